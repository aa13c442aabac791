"""Trainings by PaddleClas's own engine, as its ``tools/train.py`` makes them, one after the other
in a process that is not the test's own (see ``bridge.Trainings``)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock


def train_all(files: list[str], folder: str) -> list[dict[str, Any]]:
    """Train each config into a folder of its own below ``folder``; what is told of each: the
    ``epochs`` that were trained, ``steps`` in all, the ``metrics`` by name, the one by which the
    best epoch was ``chosen``, and whether it began with the weights that it names (``loaded``)."""
    from paddle_transfer.worker.bootstrap import import_with_ppcls
    from paddle_transfer.worker.locate import locate

    session = import_with_ppcls("session", locate())
    told = []
    with numbers_as_arrays():
        for number, file in enumerate(files):
            told.append(_train(file, Path(folder, str(number))))
            session.forget_loggers()
    return told


def evaluate(file: str, weights: str) -> float:
    """The first metric that PaddleClas's ``tools/eval.py`` gives for a config and weights."""
    from paddle_transfer.worker.bootstrap import import_with_ppcls
    from paddle_transfer.worker.locate import locate

    session = import_with_ppcls("session", locate())
    with numbers_as_arrays():
        import paddle
        from ppcls.engine.engine import Engine
        from ppcls.utils.config import get_config

        config = get_config(file, overrides=[f"Global.pretrained_model={weights}"], show=False)
        config.profiler_options = None
        with paddle.utils.unique_name.guard():
            value = float(Engine(config, mode="eval").eval())
    session.forget_loggers()
    return value


def _train(file: str, folder: Path) -> dict[str, Any]:
    import paddle
    from ppcls.engine.engine import Engine
    from ppcls.utils.config import get_config

    config = get_config(file, overrides=[f"Global.output_dir={folder}"], show=False)
    config.profiler_options = None
    named = dict(_named(config))
    with paddle.utils.unique_name.guard():
        for stem, (_, arch) in named.items():
            _write_weights(stem, arch)
        engine = Engine(config, mode="train")
    loaded = [_holds(getattr(engine.model, part, engine.model), paddle.load(f"{stem}.pdparams"))
              for stem, (part, _) in named.items()]
    epochs, train = [], engine.train_epoch_func
    engine.train_epoch_func = lambda one, epoch, step: (epochs.append(epoch),
                                                        train(one, epoch, step))
    engine.train()
    metrics = [list(metric.avg_meters) for metric in engine.eval_metric_func.metric_func_list]
    return {"epochs": epochs, "steps": engine.global_step, "chosen": metrics[0][0],
            "metrics": [name for names in metrics for name in names], "loaded": all(loaded),
            "saved": sorted(path.name for path in folder.rglob("best_model.pdparams"))}


def _named(config: Any) -> Iterator[tuple[str, tuple[str, dict[str, Any]]]]:
    """(path of weights, without suffix, (the network's part that begins with them, its Arch))."""
    if config["Global"]["pretrained_model"]:
        yield config["Global"]["pretrained_model"], ("", dict(config["Arch"]))
    for model in config["Arch"].get("models", ()):
        for part, arch in model.items():
            if isinstance(arch.get("pretrained"), str):
                yield arch["pretrained"], (part, {**arch, "pretrained": False})


def _write_weights(stem: str, arch: dict[str, Any]) -> None:
    """Weights of a network, other ones than a new network's, unless they are there."""
    import paddle
    from ppcls.arch import build_model
    from ppcls.utils import logger

    file = Path(f"{stem}.pdparams")
    if file.exists() and file.stat().st_size:
        return
    logger.init_logger()  # some networks log while they are built
    with paddle.utils.unique_name.guard():
        state = build_model({"Arch": arch, "Global": {"device": "cpu"}}).state_dict()
    file.parent.mkdir(parents=True, exist_ok=True)
    paddle.save({name: value + 0.5 if name.endswith("weight") else value
                 for name, value in state.items()}, str(file))


def _holds(model: Any, state: dict[str, Any]) -> bool:
    mine = model.state_dict()
    return all(bool((mine[name] == value).all()) for name, value in state.items() if name in mine)


@contextlib.contextmanager
def numbers_as_arrays() -> Iterator[None]:
    """A number has a ``[0]``, as Paddle's had when PaddleClas 2.4 was written."""
    import numpy as np
    import paddle

    class Number(np.ndarray):
        def __getitem__(self, key: object) -> Any:
            return self.item() if self.ndim == 0 and key == 0 else super().__getitem__(key)

    numpy = paddle.Tensor.numpy
    with mock.patch.object(paddle.Tensor, "numpy", lambda self, *args: np.asarray(
            numpy(self, *args)).view(Number)):
        yield
