"""PaddleClas's Engine, the same in every version: a number per epoch, a way to stop, several runs in one process."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import logging
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config import pretrained
from paddle_transfer.errors import SetupError, TrialError, did_you_mean
from paddle_transfer.strategies import head_options
from paddle_transfer.worker import prepare, safe_load, shims, weights
from paddle_transfer.worker.diverged import Diverged
from paddle_transfer.worker.locate import EngineHome, require_paddle
from paddle_transfer.worker.saving import Saver


@dataclass(frozen=True)
class EpochResult:
    """What is known after an evaluated epoch (from 1).

    :param value: the chosen metric; greater is better
    :param scalars: ``eval/top1``, ``eval/loss``, ``train/loss``, ``lr``, ... as plain floats
    """

    epoch: int
    value: float
    scalars: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    """How a run differs from a plain PaddleClas one.

    :param metric: by what the best epoch is told, a name such as ``top1``; None is the first of ``Metric.Eval``
    :param weights_to: None keeps all of PaddleClas's own saves; a path ending in ``.pdparams`` gets the weights of the
        best epoch instead, and nothing else is written; an empty string saves nothing
    :param log_file: whether PaddleClas writes a log file of its own beside what it prints
    :param on_epoch: called after each evaluated epoch; a true answer ends the training there
    :param prepared: weights that a search made ready, by ``Global.pretrained_model`` (see ``worker.weights``)
    """

    metric: str | None = None
    weights_to: str | None = None
    log_file: bool = True
    on_epoch: Callable[[EpochResult], bool | None] | None = None
    prepared: Mapping[str, weights.Origin] = field(default_factory=dict)


class StopTraining(Exception):
    """Leaves PaddleClas's training loop after an epoch; never leaves ``Engine.train``."""


def load_ppcls(home: EngineHome):
    """The module ``ppcls.engine.engine`` of ``home``, with the shims around it.

    :raises SetupError: no Paddle, a missing library, or another PaddleClas was imported in this process before
    """
    require_paddle()
    shims.before_paddle()
    if home.path not in sys.path:
        sys.path.insert(0, home.path)
    try:
        module = importlib.import_module("ppcls.engine.engine")
    except ModuleNotFoundError as error:
        raise SetupError(f"{home} cannot be imported: the library {error.name} is missing. "
                         f"pip install paddle_transfer installs all that it needs") from error
    loaded = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(module.__file__))))
    if loaded != os.path.realpath(home.path):
        raise SetupError(
            f"{home} was asked for, but this process already uses the PaddleClas at {loaded}. "
            f"One process can use one PaddleClas only")
    shims.after_ppcls()
    return module


@contextlib.contextmanager
def open_engine(config: dict, *, mode: str, home: EngineHome,
                options: Options = Options()) -> Iterator[Any]:
    """An engine for one run, made from a copy of the plain dict ``config``; leaves nothing behind at the end.

    :param mode: ``train``, ``eval``, ``infer`` or ``export``
    :raises SetupError: the device is not there
    :raises TrialError: PaddleClas cannot build what the config asks for, or the pretrained weights do not fit
    """
    module = load_ppcls(home)
    prepare.check_device(config["Global"]["device"])
    import paddle
    from ppcls.utils.config import AttrDict, create_attr_dict

    config = prepare.prepared(config, mode=mode)
    source = weights.find(config, ppcls=os.path.join(home.path, "ppcls"), prepared=options.prepared)
    config = pretrained.with_file(config, source.file if source else None)
    loader = weights.Loader(source, arch=dotpath.clone(config["Arch"]), training=mode
                            == "train") if source else None
    attributes = AttrDict(config)
    create_attr_dict(attributes)
    forget_loggers()
    saver = Saver(module.save_load, to=options.weights_to)
    with contextlib.ExitStack() as stack:
        stack.enter_context(safe_load.instead_of_paddles())
        # parameters get the names that they would have in a process of their own (checkpoints hold these names)
        stack.enter_context(paddle.utils.unique_name.guard())
        for name, stand_in in (("save_load", saver), ("init_logger",
                                                      _quiet(module.init_logger, options.log_file)),
                               ("init_model", saver.resuming(
                                   module.init_model)), ("load_dygraph_pretrain", loader
                                                         or module.load_dygraph_pretrain)):
            stack.callback(setattr, module, name, getattr(module, name))
            setattr(module, name, stand_in)
        engine = None
        stack.callback(forget_loggers)
        try:
            engine = _build(_engine_class(module), attributes, mode, options, saver)
            head_options.install(engine.model, attributes, mode=mode)
            engine.pretrained = loader.report if loader else None
            yield engine
        finally:
            if engine is not None:
                engine.close()


def _build(cls, config, mode: str, options: Options, saver: Saver):
    try:
        return cls(config, mode=mode, options=options, saver=saver)
    except (AssertionError, AttributeError, KeyError, IndexError, TypeError, ValueError,
            NotImplementedError) as error:
        # nothing random happens while an engine is built: what the config asks for can never be built
        raise TrialError(
            f"PaddleClas cannot build what the config asks for: {type(error).__name__}: {error}. "
            f"{_where(error)}") from error


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"(raised in {os.path.basename(trace.tb_frame.f_code.co_filename)}, line {trace.tb_lineno})"


def _quiet(init_logger: Callable, log_file: bool) -> Callable:
    def stand_in(*args, **kwargs):
        if not log_file:
            kwargs["log_file"] = None
        return init_logger(*args, **kwargs)
    return stand_in


def forget_loggers() -> None:
    """Makes PaddleClas's logger as new: it keeps one handler per output directory for the life of the process."""
    from ppcls.utils import logger
    for handler in logging.getLogger("ppcls").handlers[:]:
        logging.getLogger("ppcls").removeHandler(handler)
        handler.close()
    logger._logger = None


def metric_values(metric_func) -> dict[str, float]:
    """All that ``Metric.Eval`` measured, by name, in its order."""
    values: dict[str, float] = {}
    for metric in getattr(metric_func, "metric_func_list", ()):
        if hasattr(metric, "attrmeter"):
            names = ("ma", "label_f1", "label_pos_recall", "label_neg_recall", "instance_f1",
                     "instance_acc", "instance_prec", "instance_recall")
            measured = dict(zip(names, metric.attrmeter.res()))
        elif hasattr(metric, "avg_meters"):
            measured = {name: meter.avg for name, meter in metric.avg_meters.items()}
        else:
            measured = {type(metric).__name__: metric.avg}
        for name, value in measured.items():
            values.setdefault(name, float(value))
    return values


def _engine_class(module):
    from ppcls.engine import evaluation
    from ppcls.utils import logger

    from paddle_transfer.worker import loops

    class TransferEngine(module.Engine):
        """PaddleClas's Engine with loops of ours. ``best`` is (metric, epoch) of the best epoch, (None, 0) without;
        ``pretrained`` tells what was loaded (a ``LoadReport``), None without weights."""

        label_in_eval = "engine.model(batch[0], batch[1])" in inspect.getsource(
            evaluation.classification_eval)

        def __init__(self, config, *, mode: str, options: Options, saver: Saver):
            self.options, self.saver = options, saver
            self.last_eval: tuple[dict, dict] = ({}, {})
            self.last_train: dict[str, float] = {}
            self.last_lr = math.nan
            self.stopped = False
            #: the name of the metric that tells the best epoch, known after the first evaluation
            self.metric = options.metric
            self._epoch: EpochResult | None = None
            super().__init__(config, mode)
            stock = self.train_epoch_func
            own = loops.train_epoch if getattr(self, "train_mode", None) is None else stock
            self.train_epoch_func = lambda *args: self._train_epoch(own, *args)
            if self.eval_mode == "classification":
                self.eval_func = loops.classification_eval
            elif mode == "train":
                self.eval_func = lambda engine, epoch_id, stock=self.eval_func: self._stock_eval(
                    stock, epoch_id)

        def train(self) -> None:
            """Trains all epochs, or until ``options.on_epoch`` says to stop (then ``stopped`` is true).

            :raises Diverged: the loss is no number any more
            """
            self.saver.after_epoch = self._after_epoch
            try:
                super().train()
            except StopTraining:
                self.stopped = True

        @property
        def best(self) -> tuple[float | None, int]:
            return self.saver.best_metric, self.saver.best_epoch

        def evaluated(self, epoch_id: int, *, losses: dict[str, float]) -> float:
            """Keeps what an evaluation measured; returns the metric by which the best epoch is told."""
            values = metric_values(self.eval_metric_func)
            first = next(iter(values), None)
            values = {**values, **self.per_class.named()}
            named = ", ".join(
                f"{name}: {value:.5f}" for name, value in {**losses, **values}.items())
            logger.info(f"[Eval][Epoch {epoch_id}][Avg]{named}")
            self.last_eval = (values, losses)
            name = self.metric = self.options.metric or first
            if name not in values:
                if self.mode != "train":
                    return -1
                raise TrialError(
                    f"The metric {name!r} is not evaluated: Metric.Eval gives "
                    f"{', '.join(values) or 'nothing'}. {did_you_mean(name, list(values))}")
            self._note(epoch_id, value=values[name])
            return values[name]

        def _stock_eval(self, stock, epoch_id: int) -> float:
            value = float(stock(self, epoch_id))
            self.last_eval = ({self.options.metric or "metric": value}, {})
            self._note(epoch_id, value=value)
            return value

        def _train_epoch(self, loop, _, epoch_id: int, print_batch_step: int) -> None:
            loop(self, epoch_id, print_batch_step)
            self.last_train = {name: float(meter.avg) for name, meter in self.output_info.items()}
            if not math.isfinite(self.last_train.get("loss", 0.0)):
                raise Diverged(
                    f"the training loss is {self.last_train['loss']} in epoch {epoch_id}")

        def _note(self, epoch_id: int, *, value: float) -> None:
            if self.mode != "train":
                return
            metrics, losses = self.last_eval
            for name, number in {**losses, "searched metric": value}.items():
                if not math.isfinite(number):
                    raise Diverged(
                        f"the {name} is {number} in the evaluation after epoch {epoch_id}")
            if self._epoch is not None and self._epoch.epoch == epoch_id:
                # the second evaluation of an epoch is that of the EMA model: the epoch counts by the better of both
                value = max(value, self._epoch.value)
            scalars = {
                **{f"eval/{name}": number for name, number in {**losses, **metrics}.items()}, **{
                    f"train/{name}": number for name, number in self.last_train.items()
                }, "lr": self.last_lr
            }
            self._epoch = EpochResult(epoch=epoch_id, value=value, scalars=scalars)

        def _after_epoch(self) -> None:
            result, self._epoch = self._epoch, None
            if result is not None and self.options.on_epoch is not None and self.options.on_epoch(
                    result):
                raise StopTraining

        def close(self) -> None:
            """Ends the threads and processes of the data loaders and the VisualDL writer; may be called twice."""
            iterator = self.__dict__.pop("train_dataloader_iter", None)
            if hasattr(iterator, "_try_shutdown_all"):
                # a loader left in the middle of an epoch goes on drawing random numbers for the next run
                iterator._try_shutdown_all()
            if getattr(self, "vdl_writer", None) is not None:
                self.vdl_writer.close()
                self.vdl_writer = None

    return TransferEngine


def is_main_process() -> bool:
    """Whether this is the process of a data-parallel run that speaks for all."""
    import paddle
    return paddle.distributed.get_rank() == 0
