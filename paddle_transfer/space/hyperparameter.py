"""One hyperparameter: a list of choices or a range. Frozen; encodes and decodes its values."""

from __future__ import annotations

import json
import math
import random
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeGuard

#: Whatever YAML can say: bool, int, float, str, None, or a list or mapping of them.
Value = Any

#: Whole numbers up to here are exact as floats.
WHOLE = 2**53

#: (name of another hyperparameter, its values) pairs. All must hold.
Condition = tuple[tuple[str, tuple[Value, ...]], ...]


def is_number(value: object) -> TypeGuard[float]:
    """True for a finite int or float; bool is no number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def value_key(value: Value) -> str:
    """A text that is equal exactly for equal values: 1 equals 1.0 (in lists too), but not True."""
    if isinstance(value, bool):  # shortcuts, since a search compares points thousands of times
        return "true" if value else "false"
    if type(value) is str:
        return json.dumps(value)
    if type(value) is int or (
            type(value) is float and math.isfinite(value) and not value.is_integer()):
        return repr(value)
    return json.dumps(_whole_as_int(value), sort_keys=True)


def _whole_as_int(value: Value) -> Value:
    if is_number(value) and abs(value) < WHOLE and float(value) == int(value):
        return int(value)
    if isinstance(value, (list, tuple)):
        return [_whole_as_int(item) for item in value]
    if isinstance(value, dict):
        return {key if isinstance(key, str) else json.dumps(key): _whole_as_int(item)
                for key, item in value.items()}
    return value


@dataclass(frozen=True)
class Choice:
    """A finite list of values, in the user's order.

    :param log: put numbers on a logarithmic axis, if none is negative; 0 is one step below the
        smallest other value
    :param condition: where it does not hold the hyperparameter is inactive, and points have its
        ``inactive_value``
    """

    name: str
    values: tuple[Value, ...]
    log: bool = False
    condition: Condition = ()

    def __post_init__(self) -> None:
        assert self.values, f"{self.name}: a choice needs at least one value"
        keys = {value_key(value) for value in self.values}
        assert len(keys) == len(self.values), f"{self.name}: values must differ"

    @property
    def size(self) -> int:
        return len(self.values)

    @property
    def inactive_value(self) -> Value:
        """The value in points in which the hyperparameter is inactive."""
        return self.values[0]

    @cached_property
    def ordered(self) -> bool:
        """Whether the values lie on an axis: all are numbers."""
        return all(is_number(value) for value in self.values)

    @cached_property
    def width(self) -> int:
        """The length of an encoding: 1 for numbers and for two values, else one per value."""
        return 1 if self.ordered or self.size <= 2 else self.size

    def index(self, value: Value) -> int:
        """The position of ``value``. Raises ValueError if it is none of the choices."""
        index = self._indices.get(value_key(value))
        if index is None:
            raise ValueError(f"{self.name}: {value!r} is not one of {list(self.values)!r}")
        return index

    def at(self, index: int) -> Value:
        return self.values[index]

    def of_key(self, key: str) -> Value:
        """The value with this ``value_key``. Raises KeyError if there is none."""
        return self.values[self._indices[key]]

    def contains(self, value: Value) -> bool:
        return value_key(value) in self._indices

    @cached_property
    def _indices(self) -> dict[str, int]:
        return {value_key(value): i for i, value in enumerate(self.values)}

    def encode(self, value: Value) -> list[float]:
        """``width`` numbers in 0..1: the position on the axis for numbers, one-hot for names."""
        index = self.index(value)
        if self.width > 1:
            return [1.0 if i == index else 0.0 for i in range(self.size)]
        return [self._positions[index]]

    @cached_property
    def _positions(self) -> list[float]:
        """The place of every value on the axis, 0..1."""
        axis = self._axis() if self.ordered else list(map(float, range(self.size)))
        low, high = min(axis), max(axis)
        return [(place - low) / (high - low) if low < high else 0.5 for place in axis]

    def _axis(self) -> list[float]:
        """The position of every number, not yet scaled to 0..1."""
        numbers = [float(value) for value in self.values]
        if not self.log or any(number < 0 for number in numbers):
            return numbers
        logs = sorted(math.log(number) for number in numbers if number > 0)
        step = (logs[-1] - logs[0]) / (len(logs) - 1) if len(logs) > 1 else 1.0
        return [math.log(number) if number > 0 else logs[0] - step for number in numbers]

    def sample(self, rng: random.Random) -> Value:
        """One value; all are equally likely."""
        return self.values[rng.randrange(self.size)]

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "choices": list(self.values), "log": self.log,
                **_describe_condition(self.condition)}


@dataclass(frozen=True)
class Range:
    """All numbers, or all whole numbers, from ``low`` to ``high``, both included.

    :param log: use a logarithmic axis; ``low`` must be above 0
    :param condition: as of ``Choice``
    """

    name: str
    low: float
    high: float
    log: bool = False
    integer: bool = False
    condition: Condition = ()

    def __post_init__(self) -> None:
        name, low, high = self.name, self.low, self.high
        assert low < high, f"{name}: low < high must hold, but got {low} and {high}"
        assert not self.log or low > 0, f"{name}: a log range starts above 0, but got {low}"

    width = 1
    ordered = True

    @property
    def size(self) -> int | None:
        """The number of values; None for a continuous range."""
        return int(self.high) - int(self.low) + 1 if self.integer else None

    @property
    def inactive_value(self) -> Value:
        return int(self.low) if self.integer else self.low

    def contains(self, value: Value) -> bool:
        return is_number(value) and self.low <= value <= self.high and (
            not self.integer or float(value).is_integer())

    def index(self, value: Value) -> int:
        """The position of ``value`` in an integer range. Raises ValueError if it is outside."""
        assert self.integer, f"{self.name}: a continuous range has no index"
        if not self.contains(value):
            raise ValueError(f"{self.name}: {value!r} is not in {self.low}..{self.high}")
        return int(value) - int(self.low)

    def at(self, index: int) -> Value:
        assert self.integer, f"{self.name}: a continuous range has no index"
        return int(self.low) + index

    def encode(self, value: Value) -> list[float]:
        """The position in 0..1 on the axis, as a list of one."""
        low, high, x = (math.log(v) if self.log else float(v) for v in (self.low, self.high, value))
        return [(x - low) / (high - low)]

    def decode(self, unit: float) -> Value:
        """The value at ``unit`` of the axis, which is clipped to 0..1."""
        low, high = (math.log(end) if self.log else end for end in (self.low, self.high))
        value = low + min(max(unit, 0.0), 1.0) * (high - low)
        value = math.exp(value) if self.log else value
        value = round(value) if self.integer else float(f"{value:.6g}")
        return min(max(value, self.low), self.high)  # rounding may have left the range

    def sample(self, rng: random.Random) -> Value:
        """One value, uniform on the axis."""
        if self.integer and not self.log:
            return rng.randint(int(self.low), int(self.high))
        return self.decode(rng.random())

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "range": [self.low, self.high], "log": self.log,
                "integer": self.integer, **_describe_condition(self.condition)}


Hyperparameter = Choice | Range


def _describe_condition(condition: Condition) -> dict[str, Any]:
    return {"when": {name: list(values) for name, values in condition}} if condition else {}
