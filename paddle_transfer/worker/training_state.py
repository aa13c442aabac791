"""What a training is made of at the end of an epoch, so that another process can go on with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import paddle
from paddle import nn
from paddle.optimizer.lr import LRScheduler
from ppcls.engine.engine import Engine

from paddle_transfer.errors import one_line
from paddle_transfer.predictions import Predictions
from paddle_transfer.weights.checkpoint import Checkpoint
from paddle_transfer.worker import random_states
from paddle_transfer.worker.checkpoints import ResumeFailed
from paddle_transfer.worker.data_place import PLAIN_SAMPLERS, SAMPLERS, passes, set_passes

#: Read from their beginning to their end in every evaluation.
_EVALUATED = ("eval_dataloader", "gallery_dataloader", "query_dataloader",
              "gallery_query_dataloader")
#: Before the names of the best epoch's answers on the validation list.
_ANSWERS = "answers/"
#: Of a learning rate schedule, or a loss: what is counted, as plain values.
_PLAIN = (bool, int, float, str, type(None))


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
    optimizers = []
    for number, optimizer in enumerate(engine.optimizer):
        state = optimizer.state_dict()
        masters = state.pop("master_weights", {})
        state.pop("LR_Scheduler", None)
        tensors |= {f"optimizer {number}/{name}": value.numpy() for name, value in state.items()}
        tensors |= {f"master {number}/{name}": value.numpy() for name, value in masters.items()}
        optimizers.append(_with_state(optimizer))
    scaler: Any = getattr(engine, "scaler", None)
    return {
        "versions": _versions(engine), "optimizers": optimizers,
        "schedules": [_schedule(one) for one in engine.lr_sch],
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
        own, masters = ({name.partition("/")[2]: tensors.pop(name) for name in list(tensors)
                         if name.startswith(f"{kind} {number}/")}
                        for kind in ("optimizer", "master"))
        _fill(optimizer, own, masters, state["optimizers"][number])
    if tensors:
        raise KeyError(next(iter(tensors)))
    for schedule, plain in zip(engine.lr_sch, state["schedules"], strict=True):
        _set_schedule(schedule, plain)
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


def _with_state(optimizer: Any) -> list[str]:
    """The names of the parameters that have had a step."""
    found = {name for values in optimizer._accumulators.values() for name in values}
    masters = getattr(optimizer, "_master_weights", {})
    return [one.name for one in _parameters(optimizer) if one.name in found or (
        one.name in masters and masters[one.name].name in found)]


def _fill(optimizer: Any, own: dict[str, np.ndarray], masters: dict[str, np.ndarray],
          names: list[str]) -> None:
    """The state of ``optimizer`` for the parameters ``names``.

    Paddle would take the state of a parameter that gets a gradient later (``gradual``) from what is
    loaded as well, and fail, so all that is loaded is made and filled now.
    """
    state: dict[str, Any] = {name: paddle.to_tensor(value) for name, value in own.items()}
    if masters:
        state["master_weights"] = {name: paddle.to_tensor(value)
                                   for name, value in masters.items()}
    if isinstance(optimizer._learning_rate, LRScheduler):
        state["LR_Scheduler"] = optimizer._learning_rate.state_dict()
    optimizer.set_state_dict(state)
    parameters = {one.name: one for one in _parameters(optimizer)}
    program: Any = paddle.static.default_main_program()
    optimizer._create_accumulators(program.global_block(), [parameters[name] for name in names])
    left = optimizer._accumulators_holder
    if left:
        raise KeyError(next(iter(left)))


def _parameters(optimizer: Any) -> list[paddle.Tensor]:
    return [one for entry in optimizer._parameter_list
            for one in (entry["params"] if isinstance(entry, dict) else [entry])]


def _schedule(schedule: Any) -> dict[str, Any]:
    """The plain values of a learning rate schedule, and of those inside of it."""
    return {name: _schedule(value) if isinstance(value, LRScheduler) else _number(value)
            for name, value in vars(schedule).items()
            if isinstance(value, (*_PLAIN, LRScheduler, np.generic, paddle.Tensor))}


def _set_schedule(schedule: Any, plain: Mapping[str, Any]) -> None:
    for name, value in plain.items():
        if isinstance(value, dict):
            _set_schedule(getattr(schedule, name), value)
        else:
            setattr(schedule, name, value)


def _number(value: Any) -> Any:
    return value if isinstance(value, _PLAIN) else value.item()


def _numbers(layer: nn.Layer) -> dict[str, bool | int | float]:
    """What a layer of a loss counts beside its tensors."""
    return {name: value for name, value in vars(layer).items()
            if isinstance(value, (bool, int, float))}


def _listed(state: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.tolist() if hasattr(value, "tolist") else value
            for name, value in state.items()}
