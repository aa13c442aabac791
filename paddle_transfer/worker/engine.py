"""PaddleClas's Engine with one interface in every version: a metric per epoch, a way to stop."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import paddle
from paddle import Tensor
from ppcls.engine.engine import Engine
from ppcls.utils import logger
from ppcls.utils.config import AttrDict

from paddle_transfer import dotpath
from paddle_transfer.config import resolve
from paddle_transfer.errors import TrialError, did_you_mean
from paddle_transfer.predictions import Predictions
from paddle_transfer.strategies.worker.base import WorkerHalf
from paddle_transfer.weights.load_report import LoadReport
from paddle_transfer.worker import (
    average,
    data_parallel,
    eval_loop,
    infer,
    second_lists,
    train_loop,
    training_state,
)
from paddle_transfer.worker.checkpoints import Checkpoints
from paddle_transfer.worker.data_place import DataPlace
from paddle_transfer.worker.diverged import Diverged
from paddle_transfer.worker.learnt import Learnt, check_steps, require_iterations, require_learnt
from paddle_transfer.worker.locate import EngineHome
from paddle_transfer.worker.options import EpochResult, RunOptions
from paddle_transfer.worker.saving import Saver
from paddle_transfer.worker.whole_lists import list_mark, require_whole_lists


def versions(home: EngineHome) -> dict[str, str]:
    """What computes in this process."""
    return {"paddleclas": home.version, "kind": home.kind, "path": home.path,
            "paddle": paddle.version.full_version, "numpy": np.__version__}


def write_predictions(predictions: Predictions | None, options: RunOptions) -> None:
    """Write them where ``options`` say so. They are only shown: one line says that they cannot be
    written."""
    if predictions is None or options.predictions_to is None or paddle.distributed.get_rank():
        return
    try:
        predictions.write(options.predictions_to)
    except OSError as error:
        print(f"paddle_transfer: {options.predictions_to}: the answers on the validation list "
              f"cannot be written: {error.strerror or error}", flush=True)


class _StopTraining(Exception):
    """Leaves PaddleClas's training loop after an epoch; caught in ``TransferEngine.train``."""


class TransferEngine(Engine):  # type: ignore[misc]  # PaddleClas ships no types
    """PaddleClas's Engine with our loops.

    ``last_eval`` holds (metrics, losses) of the last evaluation, ``images`` how many images these
    are over (the whole list; in a retrieval the queries), ``classes`` of how many classes these are
    (0: not counted), ``list_mark`` a checksum of the evaluated lists, ``metric`` the name of the
    metric that chooses the best epoch (known after the first evaluation), ``stopped`` whether
    ``options.on_epoch`` ended the training, ``pretrained`` what was loaded (None without weights).

    :param config: complete and prepared; the engine takes it apart
    :param halves: what the way to transfer does in this process
    """

    train_epoch_func: Callable[..., Any]
    train_dataloader: Any
    vdl_writer: Any

    def __init__(self, config: AttrDict, *, mode: str, home: EngineHome, options: RunOptions,
                 saver: Saver, halves: Sequence[WorkerHalf] = ()):
        self.home, self.options, self.saver, self.halves = home, options, saver, tuple(halves)
        self._checkpoints, self._epoch_id = options.checkpoints or Checkpoints(None), 0
        #: The place in ``DataLoader.Train``; the lists that are read beside it, and the places in
        #: them of a checkpoint.
        self.place = DataPlace()
        self.streams: dict[str, second_lists.Endless] = {}
        self.places: dict[str, dict[str, Any]] = {}
        self.pretrained: LoadReport | None = None
        self.last_eval: tuple[dict[str, float], dict[str, float]] = ({}, {})
        self.images, self.classes, self.largest_rate = 0, 0, 0.0
        self._learnt: Learnt | None = None
        self._answers: Predictions | None = None  # in the evaluation before
        self.best_answers: Predictions | None = None
        #: Tensors, by id, that the moving average follows in this epoch; None: all.
        self.moving: frozenset[int] | None = None
        self.metric, self.stopped = options.metric, False
        self.multilabel = resolve.is_multilabel(config)
        self._train_scalars: dict[str, float] = {}
        self._epoch: EpochResult | None = None
        self._plain = dotpath.clone(dict(config))
        super().__init__(config, mode)
        self.own_loop = getattr(self, "train_mode", None) is None
        train = train_loop.train_epoch if self.own_loop else self.train_epoch_func
        self.train_epoch_func = lambda _, *arguments: self._train_epoch(train, *arguments)
        evaluate = eval_loop.evaluator(self)
        self.eval_func = lambda _, epoch_id: self._evaluate(evaluate, epoch_id)
        require_whole_lists(self)
        self.list_mark = list_mark(self.config)

    def train(self) -> None:
        """Train all epochs, or until ``options.on_epoch`` says to stop; those that are left after
        the checkpoint in ``options``.

        :raises Diverged: the loss is NaN or infinite
        :raises TrialError: an epoch had no iteration, or not one weight has changed
        :raises ResumeFailed: the checkpoint is of another network
        """
        self.saver.after_epoch = self._after_epoch
        check_steps(self)
        saved = self._checkpoints.found
        if saved is not None:  # PaddleClas asks for it where this names one
            self.config["Global"]["checkpoints"] = "checkpoint"
            self.saver.goes_on_after = saved.epoch
            training_state.restore_result(self, saved)
        try:
            super().train()
        except _StopTraining:
            self.stopped = True
        write_predictions(self.best_answers, self.options)
        if self._learnt is None and saved is not None:
            self._checkpoints.on_restored()
            return
        if self._learnt is None:
            raise TrialError("no epoch is left to train: Global.checkpoints names a training that "
                             f"has had all {self.config['Global']['epochs']} of Global.epochs")
        require_learnt(self._learnt, self, self.largest_rate if self.own_loop else math.nan)

    def predictions(self) -> Iterator[infer.Prediction]:
        """(files, results) per batch of ``Infer.infer_imgs``. Raises TrialError: there is none."""
        return infer.predictions(self)

    def further_batches(self, part: str) -> Iterator[Sequence[Tensor]]:
        """See ``TrainedEngine``."""
        self.train_dataloader = second_lists.in_turn(self.train_dataloader)
        self.streams[part] = stream = second_lists.Endless(self._plain, part)
        if part in self.places:
            stream.restore(self.places[part])
        return stream

    def whole_list(self, part: str) -> Iterable[Sequence[Tensor]]:
        """See ``TrainedEngine``."""
        return second_lists.whole_list(self._plain, part)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Any:
        """The network's answer; a recognition model is given the labels."""
        if not self.is_rec:
            return self.model(images)
        given = paddle.zeros([images.shape[0], 1], "int64") if labels is None else labels
        return self.model(images, given)

    def loss_of(self, images: Tensor, labels: Tensor) -> Tensor:
        """The loss of ``Loss.Train``."""
        labels = labels.reshape([images.shape[0], -1])
        loss: Tensor = self.train_loss_func(self.forward(images, labels), labels)["loss"]
        return loss

    def losses(self, batch: Sequence[Tensor], losses: Mapping[str, Tensor]
               ) -> Mapping[str, Tensor]:
        """``losses`` of a step as the strategy changes them."""
        for half in self.halves:
            losses = half.losses(self, batch, losses)
        return losses

    @property
    def best(self) -> tuple[float | None, int]:
        """(metric, epoch) of the best epoch; (None, 0) before there is one (PaddleClas saves one of
        metric -1 first)."""
        best = self.saver.best_metric
        return (None, 0) if best is None or best < 0 else (best, self.saver.best_epoch)

    @property
    def is_main_process(self) -> bool:
        """Whether this process of a data-parallel run writes and prints for all."""
        return bool(paddle.distributed.get_rank() == 0)

    def versions(self) -> dict[str, str]:
        """What trained, for the record."""
        return versions(self.home)

    @property
    def best_path(self) -> str | None:
        """Where the best weights are, once there are some."""
        return self.saver.best_path

    def loaded(self) -> dict[str, Any] | None:
        """What was loaded, as plain data; None without weights."""
        return self.pretrained.to_dict() if self.pretrained else None

    def close(self) -> None:
        """End the data loaders' threads and processes and the VisualDL writer; may be repeated."""
        iterator = self.__dict__.pop("train_dataloader_iter", None)
        if hasattr(iterator, "_try_shutdown_all"):
            # left in the middle of an epoch it would go on drawing random numbers for the next run
            iterator._try_shutdown_all()
        if getattr(self, "vdl_writer", None) is not None:
            self.vdl_writer.close()
            self.vdl_writer = None

    def _train_epoch(self, train: Callable[[Engine, int, int], float | None], epoch_id: int,
                     print_batch_step: int) -> None:
        if self._learnt is None:
            saved = self._checkpoints.found
            resumed = self.config["Global"]["checkpoints"] is not None and saved is None
            self._learnt = Learnt(self.model, resumed=resumed)
            if saved is not None:
                training_state.restore(self, saved)
                self._checkpoints.on_restored()
        self._epoch_id = epoch_id
        for half in self.halves:
            half.epoch_started(self, epoch_id)
        if getattr(self, "ema", False) and any(half.may_freeze for half in self.halves):
            self.moving = average.moving(self.model)
        before = self.global_step
        rate = train(self, epoch_id, print_batch_step)
        require_iterations(self, self.global_step - before, epoch_id)
        losses = {name: float(meter.avg) for name, meter in self.output_info.items()}
        if not math.isfinite(losses.get("loss", 0.0)):
            raise Diverged(f"the training loss is {losses['loss']} in epoch {epoch_id}")
        self._train_scalars = {f"train/{name}": value for name, value in losses.items()}
        self._train_scalars["lr"] = math.nan if rate is None else rate

    def _evaluate(self, evaluate: Callable[[int], eval_loop.Evaluation], epoch_id: int) -> float:
        """Evaluate; the metric that chooses the best epoch (greater is better).

        A network that no step has changed yet is not evaluated: it is no result of its training.
        """
        if self._learnt is not None and not self._learnt:
            logger.info(f"[Eval][Epoch {epoch_id}] left out: no weight has changed yet")
            return -1.0
        for half in self.halves if self.mode == "train" else ():
            half.before_evaluation(self)
        data_parallel.share_statistics(self.model)
        measured = evaluate(epoch_id)
        losses = {name: float(meter.avg) for name, meter in measured.losses.items()}
        values, self.images = measured.values, measured.seen
        if self.mode != "train":
            write_predictions(measured.predictions, self.options)
        for half in self.halves if self.mode == "train" else ():
            values = {**values, **half.measured(self, measured.per_class.accuracy())}
        self.classes = len(measured.per_class.seen)
        name = self.options.metric or next(iter(values), "")
        text = ", ".join(f"{key}: {value:.5f}" for key, value in {**losses, **values}.items())
        logger.info(f"[Eval][Epoch {epoch_id}][Avg]{text}, images: {self.images}")
        self.last_eval, self.metric = (values, losses), name
        if name in values:
            self._note(epoch_id, values[name], measured.predictions)
            return values[name]
        if self.mode == "train":
            raise TrialError(
                f"The metric {name!r} is not evaluated: Metric.Eval gives "
                f"{', '.join(values) or 'nothing'}. {did_you_mean(name, list(values))}")
        return -1.0

    def _note(self, epoch_id: int, value: float, answers: Predictions | None) -> None:
        """Keep the result of a training's evaluation until the epoch ends."""
        if self.mode != "train":
            return
        metrics, losses = self.last_eval
        for name, number in {**losses, "searched metric": value}.items():
            if not math.isfinite(number):
                raise Diverged(f"the {name} is {number} in the evaluation after epoch {epoch_id}")
        if self._epoch is not None and self._epoch.epoch == epoch_id:
            # the second evaluation of an epoch is the EMA model's: the better of both counts
            self.saver.average_is_best = value >= self._epoch.value
            if not self.saver.average_is_best:
                answers = self._answers
            value = max(value, self._epoch.value)
        scalars = {f"eval/{name}": number for name, number in {**losses, **metrics}.items()}
        self._answers = answers
        self._epoch = EpochResult(epoch_id, value, self.images, scalars | self._train_scalars)

    def _after_epoch(self) -> None:
        result, self._epoch = self._epoch, None
        if result is not None and result.epoch == self.saver.best_epoch:
            self.best_answers = self._answers
        tell = self.options.on_epoch
        if result is not None and tell is not None and data_parallel.agreed(tell(result)):
            raise _StopTraining
        checkpoints = self._checkpoints
        if not checkpoints.due:
            return
        obstacle = training_state.obstacle(self)
        if obstacle:
            checkpoints.switch_off(obstacle)
        else:
            checkpoints.save(self._epoch_id, *training_state.capture(self), self.saver.best_files)
