"""The product of hyperparameters: numbered points, size, encoding, fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from paddle_transfer.space.blocks import Block, Point, active_names, blocks_of
from paddle_transfer.space.hyperparameter import Hyperparameter, value_key


@dataclass(frozen=True)
class Space:
    """The product of ``hyperparameters``. Point ``i`` is ``i`` written in mixed radix over them, the last one
    running fastest, so a grid of any size needs no memory and resuming one is a set difference.

    Those that a condition (``when``) ties together are one digit, for whose values inactive hyperparameters are at
    rest. Two points that differ in inactive values only are one: ``key``, ``index`` and ``encode`` do not tell them
    apart, and all points that come from here are ``canonical``.
    """

    hyperparameters: tuple[Hyperparameter, ...]

    def __post_init__(self):
        names = [hyperparameter.name for hyperparameter in self.hyperparameters]
        assert names and len(
            set(names)) == len(names), f"names must be there and differ, but got {names}"

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(hyperparameter.name for hyperparameter in self.hyperparameters)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The independent parts: the digits of a point's number, the last one running fastest."""
        return blocks_of(self.hyperparameters)

    @cached_property
    def conditional(self) -> bool:
        return len(self.blocks) < len(self.hyperparameters)

    @cached_property
    def size(self) -> int | None:
        """The number of points; None when a range is continuous."""
        size = 1
        for block in self.blocks:
            if block.size is None:
                return None
            size *= block.size
        return size

    def canonical(self, point: Point) -> Point:
        """``point`` in the space's order, with every inactive hyperparameter at rest."""
        if not self.conditional:
            return {name: point[name] for name in self.names}
        active = active_names(self.hyperparameters, point)
        return {h.name: point[h.name] if h.name in active else h.rest for h in self.hyperparameters}

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
        values: Point = {}
        for block in reversed(self.blocks):
            index, digit = divmod(index, block.size)
            values.update(block.at(digit))
        return {name: values[name] for name in self.names}

    def index(self, point: Point) -> int:
        """The number of ``point`` in a finite space; ValueError when it is not in it."""
        number = 0
        for block in self.blocks:
            number = number * block.size + block.index(point)
        return number

    def points(self) -> Iterator[Point]:
        """All points of a finite space, in order."""
        return (self.point(i) for i in range(self.size))

    def contains(self, point: Point) -> bool:
        return set(point) == set(self.names) and all(
            hyperparameter.contains(point[hyperparameter.name])
            for hyperparameter in self.hyperparameters)

    def key(self, point: Point) -> str:
        """A text that is the same exactly for the same point, on every machine and in every run."""
        return "|".join(
            f"{name}={value_key(value)}" for name, value in self.canonical(point).items())

    def encode(self, point: Point) -> list[float]:
        """``width`` numbers in 0..1."""
        point = self.canonical(point)
        return [
            x for hyperparameter in self.hyperparameters
            for x in hyperparameter.encode(point[hyperparameter.name])
        ]

    def sample(self, rng) -> Point:
        """One point, each hyperparameter drawn by itself. ``rng`` is a ``random.Random``."""
        return self.canonical({hyperparameter.name: hyperparameter.sample(rng)
                               for hyperparameter in self.hyperparameters})

    def describe(self) -> list[dict[str, Any]]:
        """The space as plain data, for the study on disk and for showing what changed."""
        return [hyperparameter.describe() for hyperparameter in self.hyperparameters]

    def fingerprint(self) -> str:
        """12 hex digits that change when anything in the space does, its order included."""
        return hashlib.sha256(json.dumps(self.describe(), sort_keys=True).encode()).hexdigest()[:12]


def finite(space: Space, limit: int = 100_000) -> bool:
    """Whether every point of ``space`` can be listed."""
    return space.size is not None and space.size <= limit


__all__ = ["Point", "Space", "active_names", "finite"]
