"""Points of a space as parameters of an Optuna trial, and back."""

from __future__ import annotations

from collections.abc import Mapping

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from paddle_transfer.space.hyperparameter import Choice, Hyperparameter, Value, value_key
from paddle_transfer.space.space import Point, Space


def _is_native(choice: Choice) -> bool:
    """Whether Optuna can hold the values: plain and distinct by ``==`` (1 and True are not)."""
    plain = all(value is None or isinstance(value, bool | int | float | str)
                for value in choice.values)
    return plain and len(set(choice.values)) == choice.size


def distribution(hyperparameter: Hyperparameter) -> BaseDistribution:
    """Optuna's distribution of ``hyperparameter``."""
    h = hyperparameter
    if isinstance(h, Choice):
        values = h.values if _is_native(h) else tuple(map(value_key, h.values))
        return CategoricalDistribution(values)
    if h.integer:
        return IntDistribution(int(h.low), int(h.high), log=h.log)
    return FloatDistribution(float(h.low), float(h.high), log=h.log)


def to_params(space: Space, point: Point) -> dict[str, Value]:
    """The point with its values as Optuna holds them: lists and mappings as JSON text."""
    params = {}
    for h in space.hyperparameters:
        value = point[h.name]
        if isinstance(h, Choice):
            value = h.at(h.index(value))
            value = value if _is_native(h) else value_key(value)
        else:
            value = int(value) if h.integer else float(value)
        params[h.name] = value
    return params


def to_point(space: Space, params: Mapping[str, Value]) -> Point:
    """The point in the space's own values and order.

    Raises KeyError or ValueError when ``params`` is no point of the space.
    """
    point = {}
    for h in space.hyperparameters:
        value = params[h.name]
        if isinstance(h, Choice):
            value = h.of_key(value_key(value) if _is_native(h) else value)
        elif not h.contains(value):
            raise ValueError(f"{h.name}: {value!r} is not in the range")
        point[h.name] = value
    return point
