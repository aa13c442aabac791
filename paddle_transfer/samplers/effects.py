"""What a model says of the settings of a search, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from paddle_transfer.space.hyperparameter import Choice, Hyperparameter, Value

#: Values of a range that are looked at.
RANGE_VALUES = 15
#: Points with a result below which nothing is said; two of them are complete.
LEAST = 5


@dataclass(frozen=True)
class Effect:
    """The metric along one setting, all others as in the best point.

    :param values: of the setting, in order where it has one
    :param mean: what the model expects at each of them, in units of the metric
    :param low: one standard deviation below; ``high``: above
    """

    name: str
    values: tuple[Value, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class PairEffect:
    """The metric over two settings, all others as in the best point.

    :param mean: [values of the second, values of the first], in units of the metric
    """

    names: tuple[str, str]
    values: tuple[tuple[Value, ...], tuple[Value, ...]]
    mean: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class ModelView:
    """
    :param effects: of all settings, those that matter most first
    :param importance: setting -> (share of the variance over the space that it explains alone,
        0..1, with the standard deviation of that share over the model's sets of parameters)
    :param pair: of the two settings that matter most; None with one setting
    :param noise: standard deviation of one training at the best point, in units of the metric
    """

    effects: tuple[Effect, ...]
    importance: Mapping[str, tuple[float, float]]
    pair: PairEffect | None
    noise: float


def values_of(h: Hyperparameter) -> tuple[Value, ...]:
    """The values of ``h`` at which it is looked at, in the order of its axis if it has one."""
    if isinstance(h, Choice):
        return tuple(sorted(h.values)) if h.ordered else h.values
    places = (place / (RANGE_VALUES - 1) for place in range(RANGE_VALUES))
    return tuple(dict.fromkeys(map(h.decode, places)))
