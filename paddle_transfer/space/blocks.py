"""The independent parts of a space: single hyperparameters, and those tied by conditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from paddle_transfer.space.hyperparameter import Hyperparameter, Value, value_key

#: name -> value, in the order of the space
Point = dict[str, Value]


def active_names(hyperparameters: Sequence[Hyperparameter], point: Point) -> set[str]:
    """The names of the ``hyperparameters`` that are active: their condition holds in ``point``.

    What depends on an inactive one is inactive. A condition on a name not among them always holds.
    """
    conditions = {h.name: h.condition for h in hyperparameters}
    known: dict[str, bool] = {}

    def active(name: str) -> bool:
        if name not in known:
            known[name] = all(
                parent not in conditions or (active(parent) and _is_among(point[parent], values))
                for parent, values in conditions[name])
        return known[name]

    return {name for name in conditions if active(name)}


def _is_among(value: Value, values: Sequence[Value]) -> bool:
    return any(value_key(value) == value_key(other) for other in values)


def canonical(hyperparameters: Sequence[Hyperparameter], point: Point) -> Point:
    """The values of ``hyperparameters`` in ``point``; inactive ones have their inactive value."""
    active = active_names(hyperparameters, point)
    return {h.name: point[h.name] if h.name in active else h.inactive_value
            for h in hyperparameters}


@dataclass(frozen=True)
class Block:
    """One hyperparameter, or several tied by conditions. Its canonical points are numbered, if no
    range is continuous."""

    hyperparameters: tuple[Hyperparameter, ...]

    @property
    def size(self) -> int:
        """The number of points."""
        return len(self._points) if len(self.hyperparameters) > 1 else _size(self._first)

    def at(self, index: int) -> Point:
        """Point number ``index``."""
        if len(self.hyperparameters) > 1:
            return self._points[index]
        return {self._first.name: self._first.at(index)}

    def index(self, point: Point) -> int:
        """The number of this block's part of ``point``."""
        if len(self.hyperparameters) > 1:
            return self._numbers[self._digits(canonical(self.hyperparameters, point))]
        return self._first.index(point[self._first.name])

    @property
    def _first(self) -> Hyperparameter:
        return self.hyperparameters[0]

    def _digits(self, point: Point) -> tuple[int, ...]:
        return tuple(h.index(point[h.name]) for h in self.hyperparameters)

    @cached_property
    def _points(self) -> list[Point]:
        """In mixed radix, the last hyperparameter fastest; equal canonical points come once."""
        found: dict[tuple[int, ...], Point] = {}
        for digits in product(*(range(_size(h)) for h in self.hyperparameters)):
            point = canonical(self.hyperparameters, {
                h.name: h.at(i) for h, i in zip(self.hyperparameters, digits, strict=True)})
            found.setdefault(self._digits(point), point)
        return list(found.values())

    @cached_property
    def _numbers(self) -> dict[tuple[int, ...], int]:
        return {self._digits(point): i for i, point in enumerate(self._points)}


def _size(hyperparameter: Hyperparameter) -> int:
    assert hyperparameter.size is not None, f"{hyperparameter.name} is continuous"
    return hyperparameter.size


def blocks_of(hyperparameters: Sequence[Hyperparameter]) -> tuple[Block, ...]:
    """``hyperparameters`` as independent blocks, each at the place of its first member."""
    groups: list[set[str]] = []
    names = {h.name for h in hyperparameters}
    for h in hyperparameters:
        tied = {h.name, *(parent for parent, _ in h.condition if parent in names)}
        apart = [group for group in groups if not group & tied]
        groups = [*apart, tied.union(*(group for group in groups if group & tied))]
    group_of = {name: frozenset(group) for group in groups for name in group}
    return tuple(Block(tuple(h for h in hyperparameters if h.name in group))
                 for group in dict.fromkeys(group_of[h.name] for h in hyperparameters))
