"""What a training is made of at the end of an epoch, so that another process can go on with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import paddle
from paddle import nn
from ppcls.engine.engine import Engine

from paddle_transfer.errors import one_line
from paddle_transfer.predictions import Predictions
from paddle_transfer.weights.checkpoint import Checkpoint
from paddle_transfer.worker import optimizer_state, random_states
from paddle_transfer.worker.checkpoints import ResumeFailed
from paddle_transfer.worker.data_place import PLAIN_SAMPLERS, SAMPLERS, passes, set_passes

#: Read from their beginning to their end in every evaluation.
_EVALUATED = ("eval_dataloader", "gallery_dataloader", "query_dataloader",
              "gallery_query_dataloader")
#: Before the names of the best epoch's answers on the validation list.
_ANSWERS = "answers/"


def obstacle(engine: Engine) -> str:
    """Why the state of ``engine`` cannot be saved whole between two epochs; empty: it can."""
    samplers = [(one, SAMPLERS) for _, one in _samplers(engine)] + [
        (stream.sampler, PLAIN_SAMPLERS) for stream in engine.streams.values()]
    reasons = {
        "Global.train_mode has a loop of its own": not engine.own_loop,
        "DALI keeps the place in the data": engine.use_dali,
        "several processes share its batches": paddle.distributed.get_world_size() > 1,
        "this Paddle does not hand out its random state": random_states.capture() is None,
        **{f"{type(one).__name__} keeps a place in the data": type(one).__name__ not in known
           for one, known in samplers}}
    return next((text for text, holds in reasons.items() if holds), "")


def capture(engine: Engine) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """(plain data, arrays by name) of ``engine`` between two epochs."""
    tensors = {f"{part}/{name}": value.numpy() for part, name, value in _layer_tensors(engine)}
    if engine.best_answers is not None:
        tensors |= {f"{_ANSWERS}{name}": value
                    for name, value in vars(engine.best_answers).items()}
    for number, optimizer in enumerate(engine.optimizer):
        for kind, values in optimizer_state.tensors(optimizer).items():
            tensors |= {f"{kind} {number}/{name}": value for name, value in values.items()}
    scaler: Any = getattr(engine, "scaler", None)
    return {
        "versions": _versions(engine),
        "optimizers": [optimizer_state.begun(one) for one in engine.optimizer],
        "schedules": [optimizer_state.schedule(one) for one in engine.lr_sch],
        "scaler": _listed(scaler.state_dict()) if hasattr(scaler, "state_dict") else None,
        "modes": [layer.training for layer in engine.model.sublayers(include_self=True)],
        "loss": [_numbers(layer) for layer in engine.train_loss_func.sublayers(include_self=True)],
        "samplers": {name: passes(sampler) for name, sampler in _samplers(engine)},
        "place": engine.place.state(engine.train_dataloader),
        "streams": {part: stream.state() for part, stream in engine.streams.items()},
        "halves": [half.state() for half in engine.halves],
        "random": random_states.capture(),
        "counters": {name: getattr(engine, name) for name in (
            "global_step", "largest_rate", "images", "classes", "metric")},
        "best": [engine.saver.best_metric, engine.saver.best_epoch]}, tensors


def restore(engine: Engine, saved: Checkpoint) -> None:
    """Make ``engine``, which has trained no epoch, what it was at ``capture``.

    :raises ResumeFailed: it is another network, optimizer or data set
    """
    with _fitting():
        _restore(engine, saved.state, {name: value for name, value in saved.tensors.items()
                                       if not name.startswith(_ANSWERS)})


def restore_result(engine: Engine, saved: Checkpoint) -> None:
    """Of a training that has had its last epoch this is all that it still needs. Raises
    ResumeFailed."""
    with _fitting():
        vars(engine).update(saved.state["counters"])
        engine.saver.best_metric, engine.saver.best_epoch = saved.state["best"]
        engine.saver.take(saved.files)
        answers = {name.removeprefix(_ANSWERS): value for name, value in saved.tensors.items()
                   if name.startswith(_ANSWERS)}
        engine.best_answers = Predictions(**answers) if answers else None


@contextmanager
def _fitting() -> Iterator[None]:
    try:
        yield
    except (LookupError, ValueError, TypeError, AttributeError, AssertionError,
            RuntimeError) as error:
        raise ResumeFailed(f"the checkpoint does not fit ({type(error).__name__}: "
                           f"{one_line(error, 200)})") from error


def _versions(engine: Engine) -> dict[str, str]:
    return {name: value for name, value in engine.versions().items() if name != "path"}


def _restore(engine: Engine, state: dict[str, Any], tensors: dict[str, np.ndarray]) -> None:
    if state["versions"] != _versions(engine):
        raise ValueError(f"it was made by {state['versions']}")
    for part, name, value in _layer_tensors(engine):
        value.set_value(tensors.pop(f"{part}/{name}"))
    for number, optimizer in enumerate(engine.optimizer):
        values = {kind: {name.partition("/")[2]: tensors.pop(name) for name in list(tensors)
                         if name.startswith(f"{kind} {number}/")}
                  for kind in optimizer_state.KINDS}
        optimizer_state.fill(optimizer, values, state["optimizers"][number])
    if tensors:
        raise KeyError(next(iter(tensors)))
    for schedule, plain in zip(engine.lr_sch, state["schedules"], strict=True):
        optimizer_state.set_schedule(schedule, plain)
    if state["scaler"]:
        engine.scaler.load_state_dict(state["scaler"])
    for layer, training in zip(engine.model.sublayers(include_self=True), state["modes"],
                               strict=True):
        layer.training = training
    layers = engine.train_loss_func.sublayers(include_self=True)
    for layer, numbers in zip(layers, state["loss"], strict=True):
        vars(layer).update(numbers)
    for name, sampler in _samplers(engine):
        if name != "train_dataloader":
            set_passes(sampler, state["samplers"][name])
    for half, plain in zip(engine.halves, state["halves"], strict=True):
        half.restore(plain)
    engine.place.restore(state["place"])
    engine.places = dict(state["streams"])
    engine.global_step = state["counters"]["global_step"]
    random_states.restore(state["random"])


def _layer_tensors(engine: Engine) -> Iterator[tuple[str, str, paddle.Tensor]]:
    """(part, name, tensor) of all layers that a training changes."""
    layers = {"network": engine.model, "loss": engine.train_loss_func}
    if getattr(engine, "ema", False):
        layers["average"] = engine.model_ema.module
    for number, half in enumerate(engine.halves):
        layers |= {f"half {number}.{place}": layer
                   for place, layer in enumerate(half.further_layers)}
    for part, layer in layers.items():
        # not its state_dict, which under AMP holds copies
        for name, value in (*layer.named_parameters(), *layer.named_buffers()):
            yield part, name, value


def _samplers(engine: Engine) -> Iterator[tuple[str, Any]]:
    for name in ("train_dataloader", *_EVALUATED):
        sampler = getattr(getattr(engine, name, None), "batch_sampler", None)
        if sampler is not None:
            yield name, sampler


def _numbers(layer: nn.Layer) -> dict[str, bool | int | float]:
    """What a layer of a loss counts beside its tensors."""
    return {name: value for name, value in vars(layer).items()
            if isinstance(value, (bool, int, float))}


def _listed(state: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.tolist() if hasattr(value, "tolist") else value
            for name, value in state.items()}
