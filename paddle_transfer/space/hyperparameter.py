"""One searched setting: a list of choices or a range. Frozen; knows how to encode and decode its values."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Union

Value = Any  # bool, int, float, str, None, or a list/dict of such: whatever YAML can say


def is_number(value: object) -> bool:
    """True for int and float, not for bool and not for NaN or infinity."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def value_key(value: Value) -> str:
    """A text that is equal exactly for equal values: 1 and 1.0 are equal (in lists too), 1 and True are not."""
    if isinstance(value,
                  bool):  # the usual kinds by hand: a search compares points thousands of times
        return "true" if value else "false"
    if type(value) is float and math.isfinite(value) and not value.is_integer():
        return repr(value)
    return json.dumps(_whole_numbers(value), sort_keys=True)


def _whole_numbers(value: Value) -> Value:
    if is_number(value) and abs(value) < 2**53 and float(value) == int(value):
        return int(value)
    if isinstance(value, (list, tuple)):
        return [_whole_numbers(item) for item in value]
    return {key: _whole_numbers(item)
            for key, item in value.items()} if isinstance(value, dict) else value


#: (name of another hyperparameter, its values) pairs: a condition. All must hold.
When = tuple[tuple[str, tuple[Value, ...]], ...]


@dataclass(frozen=True)
class Choice:
    """A finite list of values.

    ``values`` keeps the user's order. When all are numbers they have a natural axis: ``log`` puts them on a
    logarithmic one (all must be positive, zero excepted, which is placed one step below the smallest).
    Where ``when`` does not hold it is inactive, and points have ``rest`` for it.
    """

    name: str
    values: tuple[Value, ...]
    log: bool = False
    when: When = ()

    def __post_init__(self):
        assert self.values, f"{self.name}: a choice needs at least one value"
        keys = [value_key(value) for value in self.values]
        assert len(set(keys)) == len(keys), f"{self.name}: values must differ"

    @property
    def size(self) -> int:
        return len(self.values)

    @property
    def rest(self) -> Value:
        return self.values[0]

    @property
    def ordered(self) -> bool:
        """True when the values lie on an axis: all of them numbers."""
        return all(is_number(value) for value in self.values)

    @property
    def width(self) -> int:
        """How many coordinates ``encode`` gives: one for numbers and for two values, else one per value."""
        return 1 if self.ordered or self.size <= 2 else self.size

    def index(self, value: Value) -> int:
        """Where ``value`` stands; ValueError when it is none of the choices."""
        place = self._places.get(value_key(value))
        if place is None:
            raise ValueError(f"{self.name}: {value!r} is not one of {list(self.values)!r}")
        return place

    def contains(self, value: Value) -> bool:
        return value_key(value) in self._places

    @cached_property
    def _places(self) -> dict[str, int]:
        return {value_key(value): i for i, value in enumerate(self.values)}

    def at(self, index: int) -> Value:
        return self.values[index]

    def encode(self, value: Value) -> list[float]:
        """``width`` numbers in 0..1; distances between them mean something (log axis, one-hot for names)."""
        index = self.index(value)
        if self.width > 1:
            return [1.0 if i == index else 0.0 for i in range(self.size)]
        if self.size == 1:
            return [0.5]
        if not self.ordered:
            return [float(index)]
        axis = self._axis()
        low, high = min(axis), max(axis)
        return [(axis[index] - low) / (high - low)]

    def _axis(self) -> list[float]:
        numbers = [float(value) for value in self.values]
        if not self.log or any(number < 0 for number in numbers):
            return numbers
        logs = sorted(math.log(number) for number in numbers if number > 0)
        step = (logs[-1] - logs[0]) / (len(logs) - 1) if len(logs) > 1 else 1.0
        return [math.log(number) if number > 0 else logs[0] - step for number in numbers]

    def sample(self, rng) -> Value:
        """One value, each as likely as the other. ``rng`` is a ``random.Random``."""
        return self.values[rng.randrange(self.size)]

    def describe(self) -> dict:
        return {
            "name": self.name, "choices": list(self.values), "log": self.log,
            **_describe_when(self.when)
        }


@dataclass(frozen=True)
class Range:
    """All numbers from ``low`` to ``high``, both included; whole numbers when ``integer``. ``when`` as in Choice."""

    name: str
    low: float
    high: float
    log: bool = False
    integer: bool = False
    when: When = ()

    def __post_init__(self):
        assert self.low < self.high, f"{self.name}: low < high must hold, but got {self.low} and {self.high}"
        assert not self.log or self.low > 0, f"{self.name}: a log range starts above 0, but got {self.low}"

    width = 1
    ordered = True

    @property
    def size(self) -> int | None:
        """How many values; None when there is no end of them."""
        return int(self.high) - int(self.low) + 1 if self.integer else None

    @property
    def rest(self) -> Value:
        return int(self.low) if self.integer else self.low

    def contains(self, value: Value) -> bool:
        if not is_number(value) or not self.low <= value <= self.high:
            return False
        return not self.integer or float(value).is_integer()

    def index(self, value: Value) -> int:
        assert self.integer, f"{self.name}: a continuous range has no index"
        if not self.contains(value):
            raise ValueError(f"{self.name}: {value!r} is not in {self.low}..{self.high}")
        return int(value) - int(self.low)

    def at(self, index: int) -> Value:
        assert self.integer, f"{self.name}: a continuous range has no index"
        return int(self.low) + index

    def encode(self, value: Value) -> list[float]:
        low, high, x = (math.log(v) for v in (self.low, self.high, value)) if self.log else (
            self.low, self.high, float(value))
        return [(x - low) / (high - low)]

    def decode(self, unit: float) -> Value:
        """The value at ``unit`` (0..1, clipped) of the way from low to high on its axis."""
        unit = min(max(unit, 0.0), 1.0)
        if self.log:
            value = math.exp(math.log(self.low) + unit * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + unit * (self.high - self.low)
        value = round(value) if self.integer else float(f"{value:.6g}")
        return min(max(value, self.low), self.high)  # rounding may have left the range

    def sample(self, rng) -> Value:
        if self.integer and not self.log:
            return rng.randint(int(self.low), int(self.high))
        return self.decode(rng.random())

    def describe(self) -> dict:
        return {
            "name": self.name, "range": [self.low, self.high], "log": self.log,
            "integer": self.integer, **_describe_when(self.when)
        }


Hyperparameter = Union[Choice, Range]


def _describe_when(when: When) -> dict:
    return {"when": {name: list(values) for name, values in when}} if when else {}


def total_width(hyperparameters: Sequence[Hyperparameter]) -> int:
    return sum(hyperparameter.width for hyperparameter in hyperparameters)
