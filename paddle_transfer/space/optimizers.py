"""The optimizers of a PaddleClas config, in every form in which PaddleClas takes them. All edits are in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator

#: Optimizers whose weight decay is their own argument, apart from the gradient.
DECOUPLED = ("AdamW", "AdamWDL")


def optimizers(config: dict) -> Iterator[tuple[str, dict]]:
    """(name, arguments) of each optimizer that trains the model.

    ``Optimizer`` is one mapping, or a list of {name: {scope: ...}}; those whose scope is a loss (the centres of
    CenterLoss) are left out.
    """
    section = config.get("Optimizer")
    if isinstance(section, dict):
        yield str(section.get("name")), section
    for item in section if isinstance(section, list) else []:
        for name, arguments in item.items() if isinstance(item, dict) else ():
            if isinstance(arguments,
                          dict) and not str(arguments.get("scope", "all")).endswith("Loss"):
                yield name, arguments


def learning_rate(arguments: dict) -> float | None:
    """The (largest) learning rate of one optimizer's ``lr``; None where it has none yet."""
    schedule = arguments.get("lr")
    if not isinstance(schedule, dict):
        return schedule
    if schedule.get("name") == "Piecewise" and schedule.get("values"):
        return schedule["values"][0]
    return schedule.get("max_learning_rate", schedule.get("learning_rate"))


def set_learning_rate(arguments: dict, value: float) -> None:
    """Make ``value`` the (largest) learning rate; the schedule keeps its shape.

    Piecewise: 2.4 ignores ``learning_rate`` and later versions let it replace ``values`` and ``decay_epochs``, so
    the values are scaled and ``learning_rate`` goes. Cyclic: both ends are scaled.
    """
    schedule, old = arguments.get("lr"), learning_rate(arguments)
    if not isinstance(schedule, dict):
        arguments["lr"] = {"learning_rate": value}
    elif schedule.get("name") == "Piecewise" and schedule.get("values"):
        schedule["values"] = [value, *(scaled(x, old, value) for x in schedule["values"][1:])]
        schedule.pop("learning_rate", None)
    elif "max_learning_rate" in schedule:
        schedule["max_learning_rate"] = value
        if "base_learning_rate" in schedule:
            schedule["base_learning_rate"] = scaled(schedule["base_learning_rate"], old, value)
    else:
        schedule["learning_rate"] = value


def scaled(x: float, old: float, new: float) -> float:
    """``x`` times new / old, without the last digits that are only rounding."""
    return float(f"{x * new / old:.12g}")


def set_weight_decay(name: str, arguments: dict, value: float) -> None:
    """L2 in the place that the optimizer ``name`` reads; 0 takes it away."""
    arguments.pop("regularizer", None)
    arguments.pop("weight_decay", None)
    if name in DECOUPLED:
        arguments["weight_decay"] = float(value)  # Paddle's AdamW takes no integer, and no None
    elif value:
        arguments["regularizer"] = {"name": "L2", "coeff": value}


def weight_decay(arguments: dict) -> float:
    """The coefficient of one optimizer's decay, wherever it stands; 0.0 without one."""
    regularizer = arguments.get("regularizer")
    if isinstance(regularizer, dict):
        return regularizer.get("coeff", 0.0)
    return arguments.get("weight_decay") or 0.0


def rename(config: dict, change: Callable[[str, dict], tuple[str, dict]]) -> None:
    """Put ``change(name, arguments)`` in the place of every optimizer that trains the model."""
    section = config["Optimizer"]
    if isinstance(section, dict):
        arguments = {key: value for key, value in section.items() if key != "name"}
        name, arguments = change(str(section.get("name")), arguments)
        config["Optimizer"] = {"name": name, **arguments}
        return
    ours = [id(arguments) for _, arguments in optimizers(config)]
    config["Optimizer"] = [
        dict(
            change(name, arguments) if id(arguments) in ours else (name, arguments)
            for name, arguments in item.items())
        for item in section
    ]
