"""The optimizers of a PaddleClas config, in every form that PaddleClas accepts.

All functions that edit do so in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from paddle_transfer.space.hyperparameter import is_number

#: Optimizers whose weight decay is their own argument, apart from the gradient.
DECOUPLED = ("AdamW", "AdamWDL")


def optimizers(config: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, arguments) of each optimizer that trains the model.

    ``Optimizer`` is one mapping, or a list of {name: {scope: ...}}; optimizers whose scope is a
    loss (the centers of CenterLoss) are left out.
    """
    section = config.get("Optimizer")
    if isinstance(section, dict):
        yield str(section.get("name")), section
    for item in section if isinstance(section, list) else []:
        for name, arguments in item.items() if isinstance(item, dict) else ():
            if isinstance(arguments, dict) and not str(arguments.get("scope")).endswith("Loss"):
                yield name, arguments


def schedules(config: dict[str, Any]) -> list[dict[str, Any]]:
    """The learning rate schedules of the optimizers that have one."""
    return [arguments["lr"] for _, arguments in optimizers(config)
            if isinstance(arguments.get("lr"), dict)]


def warmup_epochs(config: dict[str, Any]) -> float:
    """The longest warmup of the optimizers' schedules, in epochs; 0 without one. PaddleClas's
    ``Constant`` has none, whatever it says."""
    found = [schedule.get("warmup_epoch") for schedule in schedules(config)
             if schedule.get("name") != "Constant"]
    return max((epochs for epochs in found if is_number(epochs)), default=0.0)


def learning_rate(arguments: dict[str, Any]) -> float | None:
    """The (largest) learning rate of one optimizer's ``lr``, or None."""
    schedule = arguments.get("lr")
    if not isinstance(schedule, dict):
        return schedule
    rate: float | None = schedule.get("max_learning_rate", schedule.get("learning_rate"))
    if schedule.get("name") == "Piecewise" and schedule.get("values"):
        rate = schedule["values"][0]
    return rate


def set_learning_rate(arguments: dict[str, Any], value: float) -> None:
    """Make ``value`` the (largest) learning rate; the schedule keeps its shape.

    Piecewise: PaddleClas 2.4 ignores ``learning_rate`` and later versions let it replace ``values``
    and ``decay_epochs``, so the values are scaled and ``learning_rate`` is removed. Cyclic: both
    ends are scaled.
    """
    schedule = arguments.get("lr")
    if not isinstance(schedule, dict):
        arguments["lr"] = {"learning_rate": value}
    elif schedule.get("name") == "Piecewise" and schedule.get("values"):
        first, *others = schedule["values"]
        schedule["values"] = [value, *(scaled(x, first, value) for x in others)]
        schedule.pop("learning_rate", None)
    elif "max_learning_rate" in schedule:
        old = schedule["max_learning_rate"]
        schedule["max_learning_rate"] = value
        if "base_learning_rate" in schedule:
            schedule["base_learning_rate"] = scaled(schedule["base_learning_rate"], old, value)
    else:
        schedule["learning_rate"] = value


def scale_rates(config: dict[str, Any], *, old: int, new: int) -> None:
    """Multiply the learning rates with new / old, for steps of ``new`` images in the place of
    ``old`` (Goyal et al. 2017)."""
    for _, arguments in optimizers(config):
        rate = learning_rate(arguments)
        if is_number(rate):
            set_learning_rate(arguments, scaled(rate, old, new))


def scaled(x: float, old: float, new: float) -> float:
    """``x`` times new / old, rounded to 12 digits."""
    return float(f"{x * new / old:.12g}")


def set_weight_decay(name: str, arguments: dict[str, Any], value: float) -> None:
    """Set the L2 decay in the place that the optimizer ``name`` reads; 0 removes it."""
    arguments.pop("regularizer", None)
    arguments.pop("weight_decay", None)
    if name in DECOUPLED:
        arguments["weight_decay"] = float(value)  # Paddle's AdamW takes no integer, and no None
    elif value:
        arguments["regularizer"] = {"name": "L2", "coeff": value}


def weight_decay(arguments: dict[str, Any]) -> float:
    """The coefficient of one optimizer's decay, wherever it is written; 0.0 without one."""
    regularizer, decay = arguments.get("regularizer"), arguments.get("weight_decay")
    return float((regularizer.get("coeff") if isinstance(regularizer, dict) else decay) or 0.0)


def replace_optimizers(config: dict[str, Any], replacement: Callable[
        [str, dict[str, Any]], tuple[str, dict[str, Any]]]) -> None:
    """Put ``replacement(name, arguments)`` in place of every optimizer that trains the model."""
    section, found = config["Optimizer"], [id(arguments) for _, arguments in optimizers(config)]
    if isinstance(section, dict):
        name, arguments = replacement(str(section.pop("name", None)), section)
        config["Optimizer"] = {"name": name, **arguments}
    else:
        config["Optimizer"] = [
            dict(replacement(name, arguments) if id(arguments) in found else (name, arguments)
                 for name, arguments in item.items()) for item in section]
