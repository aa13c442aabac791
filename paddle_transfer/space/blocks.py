"""Parts of a space that are independent of each other: single hyperparameters, and those that conditions tie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from paddle_transfer.space.hyperparameter import Hyperparameter, Value, value_key

Point = dict  # name -> value, in the order of the space


def active_names(hyperparameters: Sequence[Hyperparameter], point: Point) -> set[str]:
    """The names of those whose ``when`` holds in ``point``; an inactive one makes those that depend on it inactive.
    A condition on a name that is not among ``hyperparameters`` holds."""
    conditions = {h.name: h.when for h in hyperparameters}
    known: dict[str, bool] = {}

    def active(name: str) -> bool:
        if name not in known:
            known[name] = all(
                parent not in conditions or active(parent) and _holds(point[parent], values)
                for parent, values in conditions[name])
        return known[name]

    return {name for name in conditions if active(name)}


def _holds(value: Value, values: Sequence[Value]) -> bool:
    return any(value_key(value) == value_key(other) for other in values)


@dataclass(frozen=True)
class Block:
    """One hyperparameter, or several tied by conditions; its points are numbered, inactive values at rest."""

    hyperparameters: tuple[Hyperparameter, ...]

    @property
    def size(self) -> int | None:
        """The number of points that differ; None when there is no end of them."""
        if any(h.size is None for h in self.hyperparameters):
            return None
        return self.hyperparameters[0].size if len(self.hyperparameters) == 1 else len(self._points)

    def at(self, index: int) -> Point:
        if len(self.hyperparameters) > 1:
            return self._points[index]
        return {self.hyperparameters[0].name: self.hyperparameters[0].at(index)}

    def index(self, point: Point) -> int:
        if len(self.hyperparameters) > 1:
            return self._numbers[self._digits(self.canonical(point))]
        return self.hyperparameters[0].index(point[self.hyperparameters[0].name])

    def canonical(self, point: Point) -> Point:
        """This block's part of ``point``, every inactive value at rest."""
        if len(self.hyperparameters) == 1:
            return {self.hyperparameters[0].name: point[self.hyperparameters[0].name]}
        active = active_names(self.hyperparameters, point)
        return {h.name: point[h.name] if h.name in active else h.rest for h in self.hyperparameters}

    def _digits(self, point: Point) -> tuple[int, ...]:
        return tuple(h.index(point[h.name]) for h in self.hyperparameters)

    @cached_property
    def _points(self) -> list[Point]:
        """In mixed radix, the last hyperparameter fastest; what differs in inactive values only comes once."""
        found: dict[str, Point] = {}
        for digits in product(*(range(h.size) for h in self.hyperparameters)):
            point = self.canonical(
                {h.name: h.at(digit) for h, digit in zip(self.hyperparameters, digits)})
            found.setdefault(value_key([point[h.name] for h in self.hyperparameters]), point)
        return list(found.values())

    @cached_property
    def _numbers(self) -> dict[tuple[int, ...], int]:
        return {self._digits(point): i for i, point in enumerate(self._points)}


def blocks_of(hyperparameters: Sequence[Hyperparameter]) -> tuple[Block, ...]:
    """``hyperparameters`` as independent blocks, each in the place of its first member."""
    groups: list[set[str]] = []
    names = {h.name for h in hyperparameters}
    for h in hyperparameters:
        tied = {h.name, *(parent for parent, _ in h.when if parent in names)}
        apart = [group for group in groups if not group & tied]
        groups = [*apart, set().union(tied, *(group for group in groups if group & tied))]
    made: list[Block] = []
    for h in hyperparameters:
        if not any(h in block.hyperparameters for block in made):
            group = next(group for group in groups if h.name in group)
            made.append(Block(tuple(other for other in hyperparameters if other.name in group)))
    return tuple(made)
