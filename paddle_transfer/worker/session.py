"""Opens an engine for one run, and leaves the process as it was: several runs share one process."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from typing import Any
from unittest import mock

import paddle
from paddle import nn
from ppcls.engine import engine as stock
from ppcls.utils import logger
from ppcls.utils.config import AttrDict, create_attr_dict

from paddle_transfer import dotpath
from paddle_transfer.config import new_head, pretrained
from paddle_transfer.config.shared_memory import fit_shared_memory
from paddle_transfer.config.versions import ignored_by
from paddle_transfer.errors import TrialError, cause
from paddle_transfer.hardware import shared_memory
from paddle_transfer.registry import attribute_of
from paddle_transfer.strategies.combinations import require_one_device
from paddle_transfer.strategies.new_head import read_new_head
from paddle_transfer.strategies.section import (
    apply_strategy,
    read_head_options,
    read_strategy,
    unused_weights,
)
from paddle_transfer.strategies.worker.base import WorkerHalf
from paddle_transfer.strategies.worker.head_options import HeadOptionsHalf
from paddle_transfer.strategies.worker.new_head import NewHeadHalf
from paddle_transfer.worker import networks, prepare_config, run_weights, safe_load, viewer
from paddle_transfer.worker.data_parallel import ThawableParallel
from paddle_transfer.worker.engine import TransferEngine
from paddle_transfer.worker.features import cached_head
from paddle_transfer.worker.locate import EngineHome
from paddle_transfer.worker.networks import BUILD_ERRORS
from paddle_transfer.worker.options import RunOptions
from paddle_transfer.worker.saving import Saver
from paddle_transfer.worker.second_lists import count_classes


@contextmanager
def open_session(config: dict[str, Any], *, mode: str, home: EngineHome,
                 options: RunOptions) -> Iterator[TransferEngine]:
    """See ``bootstrap.open_engine``, which imports this module."""
    config = _with_strategy(config, mode, home)
    halves, replaced = worker_halves(config), new_head.replaced(config)
    config = prepare_config.prepare_config(config, mode=mode)
    line = fit_shared_memory(config, prepare_config.SPLITS[mode], shared_memory(),
                             options.shared_memory)
    if line:
        print(f"paddle_transfer: {line}", flush=True)
    asked = config
    source = run_weights.find(config, ppcls=os.path.join(home.path, "ppcls"),
                              prepared=options.prepared)
    run_weights.require(source, config, mode)
    config = pretrained.with_file(config, source.file if source else None)
    loader = None if source is None else run_weights.Loader(
        source, arch=dotpath.clone(config["Arch"]), training=mode == "train")
    _tell_head(halves, dotpath.clone(config["Arch"]), loader, replaced)
    saver = Saver(to=options.weights_to)
    for half in halves:
        half.count_classes = partial(count_classes, config)
    attributes = AttrDict(config)
    create_attr_dict(attributes)
    forget_loggers()
    with ExitStack() as stack:
        _stand_in(stack, halves, saver=saver, loader=loader, log_file=options.log_file,
                  training=mode == "train")
        stack.callback(forget_loggers)
        engine = _build(attributes, mode=mode, home=home, options=options, saver=saver,
                        halves=halves)
        stack.callback(engine.close)
        engine.pretrained = loader.report if loader else None
        if source is not None and mode != "train":
            for half in halves:
                engine.model = half.answering(engine.model, mode=mode, weights=source.file)
        if mode == "train" and any(half.trains_classifier_only for half in halves):
            _use_features(engine, asked, halves, options)
        yield engine


def _with_strategy(config: dict[str, Any], mode: str, home: EngineHome) -> dict[str, Any]:
    """``config`` as its strategy has it. Raises SetupError, TrialError, ConfigError."""
    prepare_config.check_device(config["Global"]["device"])
    if mode != "train":  # the head is the one that was trained
        made = apply_strategy(config)
        return {**made, "Transfer": {
            key: value for key, value in (made.get("Transfer") or {}).items() if key != "head"}}
    ignored = ignored_by(config, home.version)
    if ignored:
        raise TrialError("; ".join(map(str, ignored)))
    remark = unused_weights(config)
    if remark:
        print(f"paddle_transfer: {remark}", flush=True)
    return apply_strategy(config)


def _stand_in(stack: ExitStack, halves: Sequence[WorkerHalf], *, saver: Saver,
              loader: run_weights.Loader | None, log_file: bool, training: bool) -> None:
    """Put what is ours in the place of what PaddleClas's engine calls, until ``stack`` closes."""
    parallel = ThawableParallel()
    # for all of PaddleClas: its networks, checkpoints, distillations
    stack.enter_context(mock.patch.object(paddle, "load", safe_load.load))
    # parameters get the names that they have in a process of their own: checkpoints hold them
    stack.enter_context(paddle.utils.unique_name.guard())
    stack.enter_context(mock.patch.multiple(
        stock, save_load=saver, init_model=saver.resuming(stock.init_model),
        LogWriter=viewer.safe(stock.LogWriter),
        init_logger=_without_file(stock.init_logger, log_file),
        load_dygraph_pretrain=loader or stock.load_dygraph_pretrain,
        build_optimizer=_after_halves(halves, stock.build_optimizer, parallel)))
    if training and any(half.may_freeze for half in halves):  # exporting asks whether it is one
        stack.enter_context(mock.patch.object(paddle, "DataParallel", parallel))


def worker_halves(config: dict[str, Any]) -> list[WorkerHalf]:
    """What ``FineTune``, ``Transfer.head`` and ``Transfer.strategy`` do in this process."""
    halves: list[WorkerHalf] = [HeadOptionsHalf(read_head_options(config), config)]
    head = read_new_head(config)
    if head is not None:
        halves.append(NewHeadHalf(head, config))
    chosen = read_strategy(config)
    require_one_device(paddle.distributed.get_world_size(), chosen.name, chosen.strategy)
    if chosen.strategy.worker:
        halves.append(attribute_of(chosen.strategy.worker)(chosen.options, config))
    return halves


def _tell_head(halves: Sequence[WorkerHalf], arch: dict[str, Any],
               loader: run_weights.Loader | None, replaced: Sequence[str]) -> None:
    """Tell ``halves`` how to find the classifier, and what else a transfer trains anew: the layers
    ``replaced``, and those that no weights were loaded into, when any were loaded."""
    @cache
    def classifier() -> tuple[str, ...]:
        return networks.head_of(arch)

    @cache
    def further() -> tuple[str, ...]:
        return networks.tensors_of(arch, replaced) if replaced else ()

    def find() -> tuple[str, ...]:
        report = loader.report if loader is not None else None
        loaded = report.head if report is not None else ()
        return tuple(dict.fromkeys((*classifier(), *further(), *loaded)))
    for half in halves:
        half.find_head, half.find_classifier = find, classifier


def _use_features(engine: TransferEngine, config: dict[str, Any], halves: Sequence[WorkerHalf],
                  options: RunOptions) -> None:
    def freeze() -> None:
        for half in halves:
            half.epoch_started(engine, 1)
    head = [name for half in halves for name in half.find_head()]
    cached_head.use_features(engine, config, head, freeze, options.prepared)


def forget_loggers() -> None:
    """Reset PaddleClas's logger, which keeps one handler per output directory for ever."""
    for handler in logging.getLogger("ppcls").handlers[:]:
        logging.getLogger("ppcls").removeHandler(handler)
        handler.close()
    logger._logger = None


def _after_halves(halves: Sequence[WorkerHalf], build_optimizer: Callable[..., Any],
                  parallel: ThawableParallel) -> Callable[..., Any]:
    """``build_optimizer``, which only a training calls, after the hooks that come before it."""
    def stand_in(config: dict[str, Any], epochs: int, steps: int, models: list[nn.Layer]) -> Any:
        parallel.trained = [one for one in models[0].parameters() if not one.stop_gradient]
        for half in halves:
            half.further_layers = half.model_built(models[0])
        extra = [layer for half in halves for layer in half.further_layers]
        optimizers, schedules = build_optimizer(config, epochs, steps, [*models, *extra])
        for optimizer in optimizers if any(half.may_freeze for half in halves) else ():
            # with tables made in the first step nothing could be frozen or thawed later
            optimizer._use_multi_tensor = False
        return optimizers, schedules
    return stand_in


def _build(config: AttrDict, **arguments: Any) -> TransferEngine:
    try:
        return TransferEngine(config, **arguments)
    except BUILD_ERRORS as error:
        # nothing random happens while an engine is built: this config can never be built
        raise TrialError(
            f"PaddleClas cannot build what the config asks for: {cause(error)}") from error


def _without_file(init_logger: Callable[..., Any], log_file: bool) -> Callable[..., Any]:
    def stand_in(*args: object, **kwargs: object) -> Any:
        return init_logger(*args, **(kwargs if log_file else {**kwargs, "log_file": None}))
    return stand_in
