"""The product of hyperparameters: numbered points, size, encoding, fingerprint."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.space.blocks import Block, Point, active_names, blocks_of, canonical
from paddle_transfer.space.hyperparameter import Hyperparameter, value_key


@dataclass(frozen=True)
class Space:
    """The product of ``hyperparameters``.

    Point ``i`` is ``i`` written in mixed radix, the last hyperparameter fastest, so a grid of any
    size needs no memory. Hyperparameters that a condition ties together are one digit.

    Points that differ in values of inactive hyperparameters only are one point: ``key``, ``index``
    and ``encode`` do not tell them apart, and all points that a space returns are ``canonical``.
    """

    hyperparameters: tuple[Hyperparameter, ...]

    def __post_init__(self) -> None:
        assert 0 < len(set(self.names)) == len(self.names), (
            f"names must be there and differ, but got {self.names}")

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(h.name for h in self.hyperparameters)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The independent parts: the digits of a point's number, the last one fastest."""
        return blocks_of(self.hyperparameters)

    @cached_property
    def conditional(self) -> bool:
        """Whether a hyperparameter depends on another one."""
        return len(self.blocks) < len(self.hyperparameters)

    @cached_property
    def size(self) -> int | None:
        """The number of points; None if a range is continuous."""
        continuous = any(h.size is None for h in self.hyperparameters)
        return None if continuous else math.prod(block.size for block in self.blocks)

    @property
    def width(self) -> int:
        """The length of an encoded point."""
        return sum(h.width for h in self.hyperparameters)

    def __getitem__(self, name: str) -> Hyperparameter:
        return self.hyperparameters[self.names.index(name)]

    def canonical(self, point: Point) -> Point:
        """``point`` in the space's order, inactive hyperparameters at their inactive value."""
        if not self.conditional:
            return {name: point[name] for name in self.names}
        return canonical(self.hyperparameters, point)

    def point(self, index: int) -> Point:
        """Point ``index`` of a finite space. Raises IndexError outside 0..size - 1."""
        assert self.size is not None, "a continuous space has no numbered points"
        if not 0 <= index < self.size:
            raise IndexError(f"point {index} of a space of {self.size}")
        values: Point = {}
        for block in reversed(self.blocks):
            index, digit = divmod(index, block.size)
            values.update(block.at(digit))
        return {name: values[name] for name in self.names}

    def index(self, point: Point) -> int:
        """The number of ``point`` in a finite space. Raises ValueError if it is not in it."""
        number = 0
        for block in self.blocks:
            number = number * block.size + block.index(point)
        return number

    def points(self) -> Iterator[Point]:
        """All points of a finite space, in order."""
        assert self.size is not None, "a continuous space has no numbered points"
        return (self.point(i) for i in range(self.size))

    def contains(self, point: Point) -> bool:
        """Whether ``point`` has all names of the space, no others, and values of the space."""
        return set(point) == set(self.names) and all(
            h.contains(point[h.name]) for h in self.hyperparameters)

    def key(self, point: Point) -> str:
        """A text that identifies ``point``, the same on every machine and in every run."""
        if self.conditional:
            point = self.canonical(point)
        return "|".join([f"{name}={value_key(point[name])}" for name in self.names])

    def used(self, point: Point) -> Point:
        """``point`` without its inactive hyperparameters."""
        if not self.conditional:
            return point
        active = active_names(self.hyperparameters, point)
        return {name: value for name, value in point.items() if name in active}

    def encode(self, point: Point) -> list[float]:
        """``point`` as ``width`` numbers in 0..1."""
        point = self.canonical(point)
        return [x for h in self.hyperparameters for x in h.encode(point[h.name])]

    def sample(self, rng: random.Random) -> Point:
        """One point, each hyperparameter drawn independently."""
        return self.canonical({h.name: h.sample(rng) for h in self.hyperparameters})

    def describe(self) -> list[dict[str, Any]]:
        """The space as plain data, for the study on disk and for messages about changes."""
        return [h.describe() for h in self.hyperparameters]

    def fingerprint(self) -> str:
        """12 hex digits that change with anything in the space, its order included."""
        return hashlib.sha256(dotpath.stable_text(self.describe()).encode()).hexdigest()[:12]


def finite(space: Space, limit: int = 100_000) -> bool:
    """Whether every point of ``space`` can be listed: there are at most ``limit``."""
    return space.size is not None and space.size <= limit


__all__ = ["Point", "Space", "active_names", "finite"]
