"""Points of a space as parameters of an Optuna trial, and back."""

from __future__ import annotations

from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from paddle_transfer.space.hyperparameter import Choice, Hyperparameter, value_key
from paddle_transfer.space.space import Point, Space


def _native(choice: Choice) -> bool:
    """Whether Optuna can hold the values as they are: plain ones that ``==`` tells apart (1 and True it does not)."""
    plain = all(
        value is None or isinstance(value, (bool, int, float, str)) for value in choice.values)
    return plain and len(set(choice.values)) == choice.size


def distribution(hyperparameter: Hyperparameter) -> BaseDistribution:
    if isinstance(hyperparameter, Choice):
        values = hyperparameter.values
        return CategoricalDistribution(
            values if _native(hyperparameter) else [value_key(value) for value in values])
    if hyperparameter.integer:
        return IntDistribution(int(hyperparameter.low), int(hyperparameter.high),
                               log=hyperparameter.log)
    return FloatDistribution(float(hyperparameter.low), float(hyperparameter.high),
                             log=hyperparameter.log)


def to_params(space: Space, point: Point) -> dict[str, Any]:
    """The point with its values as Optuna holds them: lists and mappings as JSON text."""
    params = {}
    for hyperparameter in space.hyperparameters:
        value = point[hyperparameter.name]
        if isinstance(hyperparameter, Choice):
            value = hyperparameter.at(hyperparameter.index(value))
            value = value if _native(hyperparameter) else value_key(value)
        else:
            value = int(value) if hyperparameter.integer else float(value)
        params[hyperparameter.name] = value
    return params


def to_point(space: Space, params: dict[str, Any]) -> Point:
    """The point, made of the space's own values and in its order; KeyError or ValueError when it is none of its."""
    point = {}
    for hyperparameter in space.hyperparameters:
        value = params[hyperparameter.name]
        if isinstance(hyperparameter, Choice):
            keys = [value_key(mine) for mine in hyperparameter.values]
            text = value_key(value) if _native(hyperparameter) else value
            value = hyperparameter.at(keys.index(text))
        elif not hyperparameter.contains(value):
            raise ValueError(f"{hyperparameter.name}: {value!r} is not in the range")
        point[hyperparameter.name] = value
    return point
