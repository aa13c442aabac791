"""Stands in for the module ``save_load`` in PaddleClas's engine: what is saved, what was best."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import paddle
from paddle import Tensor, nn
from ppcls.utils import save_load

from paddle_transfer.weights.checkpoint import link

#: Prefix of the student's parameters in a DistillationModel of PaddleClas's configs.
STUDENT = "Student."


class Saver:
    """Sees every epoch's end, as every version of the engine calls ``save_model`` with prefix
    ``best_model`` when an epoch is the best so far, and with ``latest`` as the last of every epoch.

    ``best_path`` is where the best weights are, once there are some.

    :param to: see ``RunOptions.weights_to``
    """

    def __init__(self, *, to: str | None = None):
        self._to = to
        self.best_metric: float | None = None
        self.best_epoch = 0
        self.best_path: str | None = None
        #: Whether the moving average measured no less than the network itself in this epoch.
        self.average_is_best = True
        self.after_epoch: Callable[[], None] = lambda: None
        #: The epoch that a training goes on after, from a checkpoint of ours; None: from none.
        self.goes_on_after: int | None = None

    @property
    def best_files(self) -> dict[str, Path]:
        """The files of the best weights by their names."""
        if not self.best_path:
            return {}
        student = Path(_student(self.best_path))
        return {path.name: path for path in (Path(self.best_path), student) if path.exists()}

    def take(self, files: Mapping[str, Path]) -> None:
        """Put the best weights, once ``best_files``, where they belong."""
        if self._to:
            for name, file in files.items():
                link(file, Path(self._to).with_name(name))
            self.best_path = self._to if files else None

    def __getattr__(self, name: str) -> Any:
        return getattr(save_load, name)

    def save_model(self, net: nn.Layer, optimizer: object, metric_info: Mapping[str, Any],
                   model_path: str, *args: object, **kwargs: Any) -> None:
        """As PaddleClas's; ``metric_info`` has ``metric`` and ``epoch``."""
        best = kwargs.get("prefix") == "best_model"
        if best:
            self.best_metric = float(metric_info["metric"])
            self.best_epoch = int(metric_info["epoch"])
        average, loss = kwargs.get("ema"), kwargs.get("loss")
        network_is_best = average is not None and not self.average_is_best
        if self._to is None:
            save_load.save_model(net, optimizer, metric_info, model_path, *args, **kwargs)
            if best:
                self.best_path = _written(model_path, kwargs.get("model_name", ""))
            if self.best_path and best and network_is_best:
                # PaddleClas writes the average, whichever was better
                _save_weights(self.best_path, net, loss=loss, ema=None)
        elif self._to and best:
            _save_weights(self._to, net, loss=loss, ema=None if network_is_best else average)
            self.best_path = self._to
        if kwargs.get("prefix") == "latest":
            self.after_epoch()

    def save_model_info(self, *args: object, **kwargs: object) -> None:
        if self._to is None:
            save_load.save_model_info(*args, **kwargs)

    def resuming(self, init_model: Callable[..., Any]) -> Callable[..., Any]:
        """``init_model`` that remembers the best epoch.

        PaddleClas 2.5 and newer begin again at 0.0, 2.4 at the metric of the last epoch, so that a
        worse epoch could overwrite the best weights.
        """
        def stand_in(config: Mapping[str, Any], *args: object, **kwargs: object) -> Any:
            if self.goes_on_after is not None:
                metric = -1.0 if self.best_metric is None else self.best_metric
                return {"metric": metric, "epoch": self.goes_on_after}
            info = init_model(config, *args, **kwargs)
            if info is not None and config.get("checkpoints"):
                self._remember(Path(config["checkpoints"]).parent)
                if self.best_metric is not None:
                    info = {**info, "metric": self.best_metric}
            return info
        return stand_in

    def _remember(self, folder: Path) -> None:
        # Global.uniform_output_enabled gives every checkpoint a directory of its own
        for stem in (folder / "best_model", folder.parent / "best_model" / "best_model"):
            if os.path.isfile(f"{stem}.pdstates"):
                states = paddle.load(f"{stem}.pdstates")
                self.best_metric, self.best_epoch = float(states["metric"]), int(states["epoch"])
                self.best_path = f"{stem}.pdparams"
                return


def _written(model_path: str, model_name: str) -> str:
    """Where ``save_model`` put the best weights: 2.4 makes a directory per architecture."""
    paths = [os.path.join(model_path, name, "best_model.pdparams") for name in (model_name, "")]
    return max(filter(os.path.isfile, paths), key=os.path.getmtime, default=paths[-1])


def _save_weights(path: str, net: nn.Layer, *, loss: nn.Layer | None,
                  ema: nn.Layer | None) -> None:
    """Write what PaddleClas writes as ``best_model.pdparams``, whole or not at all; the student's
    part of a DistillationModel as ``best_model_student.pdparams`` as well."""
    if paddle.distributed.get_rank() != 0:
        return
    state = dict((net if ema is None else ema).state_dict())
    if loss is not None and ema is None:
        state.update(loss.state_dict())
    student = {name[len(STUDENT):]: value for name, value in state.items()
               if name.startswith(STUDENT)}
    if student:
        _write(student, _student(path))
    _write(state, path)


def _student(path: str) -> str:
    return path[:-len(".pdparams")] + "_student.pdparams"


def _write(state: dict[str, Tensor], path: str) -> None:
    part = path + ".part"
    try:
        paddle.save(state, part)
        with open(part, "rb") as stream:
            os.fsync(stream.fileno())
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.remove(part)
