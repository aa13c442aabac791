"""The product of hyperparameters: numbered points, size, encoding, fingerprint."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Iterator, Optional

from paddle_transfer.space.hyperparameter import Hyperparameter, value_key

Point = dict  # name -> value, in the order of the space


@dataclass(frozen=True)
class Space:
    """The product of ``hyperparameters``. Point ``i`` is ``i`` written in mixed radix over them, the last one
    running fastest, so a grid of any size needs no memory and resuming one is a set difference."""

    hyperparameters: tuple[Hyperparameter, ...]

    def __post_init__(self):
        names = [hyperparameter.name for hyperparameter in self.hyperparameters]
        assert names and len(set(names)) == len(names), f"names must be there and differ, but got {names}"

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(hyperparameter.name for hyperparameter in self.hyperparameters)

    @cached_property
    def size(self) -> Optional[int]:
        """The number of points; None when a range is continuous."""
        size = 1
        for hyperparameter in self.hyperparameters:
            if hyperparameter.size is None:
                return None
            size *= hyperparameter.size
        return size

    @property
    def width(self) -> int:
        """The number of coordinates that ``encode`` gives."""
        return sum(hyperparameter.width for hyperparameter in self.hyperparameters)

    def __getitem__(self, name: str) -> Hyperparameter:
        return self.hyperparameters[self.names.index(name)]

    def point(self, index: int) -> Point:
        """Point ``index`` of a finite space; IndexError past its end (never a wrap)."""
        assert self.size is not None, "a continuous space has no numbered points"
        if not 0 <= index < self.size:
            raise IndexError(f"point {index} of a space of {self.size}")
        values = []
        for hyperparameter in reversed(self.hyperparameters):
            index, digit = divmod(index, hyperparameter.size)
            values.append(hyperparameter.at(digit))
        return dict(zip(self.names, reversed(values)))

    def index(self, point: Point) -> int:
        """The number of ``point`` in a finite space; ValueError when it is not in it."""
        number = 0
        for hyperparameter in self.hyperparameters:
            number = number * hyperparameter.size + hyperparameter.index(point[hyperparameter.name])
        return number

    def points(self) -> Iterator[Point]:
        """All points of a finite space, in order."""
        return (self.point(i) for i in range(self.size))

    def contains(self, point: Point) -> bool:
        return set(point) == set(self.names) and all(
            hyperparameter.contains(point[hyperparameter.name]) for hyperparameter in self.hyperparameters)

    def key(self, point: Point) -> str:
        """A text that is the same exactly for the same point, on every machine and in every run."""
        return "|".join(f"{name}={value_key(point[name])}" for name in self.names)

    def encode(self, point: Point) -> list[float]:
        """``width`` numbers in 0..1."""
        return [x for hyperparameter in self.hyperparameters for x in hyperparameter.encode(point[hyperparameter.name])]

    def sample(self, rng) -> Point:
        """One point, each hyperparameter drawn by itself. ``rng`` is a ``random.Random``."""
        return {hyperparameter.name: hyperparameter.sample(rng) for hyperparameter in self.hyperparameters}

    def describe(self) -> list[dict[str, Any]]:
        """The space as plain data, for the study on disk and for showing what changed."""
        return [hyperparameter.describe() for hyperparameter in self.hyperparameters]

    def fingerprint(self) -> str:
        """12 hex digits that change when anything in the space does, its order included."""
        return hashlib.sha256(json.dumps(self.describe(), sort_keys=True).encode()).hexdigest()[:12]


def finite(space: Space, limit: int = 100_000) -> bool:
    """Whether every point of ``space`` can be listed."""
    return space.size is not None and space.size <= limit


__all__ = ["Point", "Space", "finite"]
