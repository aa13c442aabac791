"""The state of Paddle's optimizers and learning rate schedules, to be saved and set again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import paddle
from paddle.optimizer.lr import LRScheduler

#: Values of a schedule that are saved as they are.
_PLAIN = (bool, int, float, str, type(None))
#: Tensors of an optimizer: its own, and the weights in full precision beside those in half.
KINDS = ("optimizer", "master")


def tensors(optimizer: Any) -> dict[str, dict[str, np.ndarray]]:
    """By kind and name."""
    own = optimizer.state_dict()
    masters = own.pop("master_weights", {})
    own.pop("LR_Scheduler", None)
    return {kind: {name: value.numpy() for name, value in values.items()}
            for kind, values in zip(KINDS, (own, masters), strict=True)}


def begun(optimizer: Any) -> dict[str, str]:
    """The parameters that have had a step, by name, each with the name that its state goes by."""
    found = {name for values in optimizer._accumulators.values() for name in values}
    masters = getattr(optimizer, "_master_weights", {})
    names = {one.name: masters.get(one.name, one).name for one in _parameters(optimizer)}
    return {own: name for own, name in names.items() if name in found}


def fill(optimizer: Any, values: Mapping[str, Mapping[str, np.ndarray]], names: Mapping[str, str]
         ) -> None:
    """Give ``optimizer``, which has made no step, the state of another.

    Paddle would take the state of a parameter that gets a gradient later (``gradual``) from what is
    loaded as well, and fail, so all that is loaded is made and filled now.

    :param values: its ``tensors``
    :param names: what ``begun`` gave
    :raises KeyError: it has other parameters
    """
    own, masters = ({name: paddle.to_tensor(value) for name, value in values[kind].items()}
                    for kind in KINDS)
    for name, master in masters.items():
        master.name = names.get(name, master.name)
    state: dict[str, Any] = {**own, **({"master_weights": masters} if masters else {})}
    if isinstance(optimizer._learning_rate, LRScheduler):
        state["LR_Scheduler"] = {}  # it must be there; ``set_schedule`` says more
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


def schedule(one: Any) -> dict[str, Any]:
    """The plain values of a learning rate schedule, and of those inside of it."""
    return {name: schedule(value) if isinstance(value, LRScheduler) else _number(value)
            for name, value in vars(one).items()
            if isinstance(value, (*_PLAIN, LRScheduler, np.generic, paddle.Tensor))}


def set_schedule(one: Any, plain: Mapping[str, Any]) -> None:
    """Set what ``schedule`` gave."""
    for name, value in plain.items():
        if isinstance(value, dict):
            set_schedule(getattr(one, name), value)
        else:
            setattr(one, name, value)


def _number(value: Any) -> Any:
    return value if isinstance(value, _PLAIN) else value.item()
