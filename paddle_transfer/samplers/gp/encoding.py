"""Points as rows of numbers, and the lists of points on which an acquisition is evaluated."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations, product
from typing import TypeAlias

import numpy
from numpy.typing import NDArray

from paddle_transfer.samplers.common import generator
from paddle_transfer.samplers.gp.dimension_prior import Axis
from paddle_transfer.space.hyperparameter import Range
from paddle_transfer.space.space import Point, Space

#: An array of floats.
Array: TypeAlias = NDArray[numpy.float64]

#: Where points cannot be listed: how many are drawn, and how many neighbours of the best.
_SAMPLES, _NEIGHBOURS = 1500, 500


def matrix(axes: Sequence[Axis], points: Sequence[Point]) -> Array:
    """One row per point, one column per axis."""
    rows = [[axis.coordinate(point[axis.name]) for axis in axes] for point in points]
    return numpy.array(rows, dtype=float).reshape(len(points), len(axes))


def table(axes: Sequence[Axis], space: Space) -> Array:
    """The rows of all points of a finite space, row i for point i; built per column, so that
    100,000 points take milliseconds."""
    assert space.size is not None, "a continuous space has no table"
    sizes = [block.size or 0 for block in space.blocks]
    digits = numpy.unravel_index(numpy.arange(space.size), sizes)
    by_name = {axis.name: axis for axis in axes}
    columns = {}
    for block, size, digit in zip(space.blocks, sizes, digits, strict=True):
        points = [block.at(i) for i in range(size)]
        for h in block.hyperparameters:
            column = [by_name[h.name].coordinate(point[h.name]) for point in points]
            columns[h.name] = numpy.array(column, dtype=float)[digit]
    return numpy.stack([columns[axis.name] for axis in axes], axis=1)


def sampled(space: Space, good: Sequence[Point], *, seed: int, count: int) -> list[Point]:
    """Points of a space that cannot be listed: uniform draws, and neighbours of the ``good`` ones
    (best first)."""
    rng = generator(seed, count, "candidates")
    points = [space.sample(rng) for _ in range(_SAMPLES)]
    return points + [neighbour(space, good[i % len(good)], rng, scale=0.1)
                     for i in range(_NEIGHBOURS) if good]


def near(space: Space, good: Sequence[Point], *, limit: int, seed: int, count: int) -> list[Point]:
    """At most ``limit`` points of a finite space: those that differ from a ``good`` one in one or
    two values, then uniform draws."""
    found: dict[str, Point] = {}
    for point in good:
        for one, two in combinations(space.hyperparameters, 2):
            for i, j in product(range(one.size or 0), range(two.size or 0)):
                if len(found) >= limit:
                    return list(found.values())
                changed = space.canonical({**point, one.name: one.at(i), two.name: two.at(j)})
                found.setdefault(space.key(changed), changed)
    rng = generator(seed, count, "near")
    for _ in range(min(limit - len(found), _SAMPLES)):
        point = space.sample(rng)
        found.setdefault(space.key(point), point)
    return list(found.values())


def refined(space: Space, point: Point, *, seed: int, count: int, scale: float) -> list[Point]:
    """A hundred neighbours of ``point``."""
    rng = generator(seed, count, f"refine {scale}")
    return [neighbour(space, point, rng, scale=scale) for _ in range(100)]


def neighbour(space: Space, point: Point, rng: random.Random, *, scale: float) -> Point:
    """``point`` with one or two hyperparameters changed: ranges by a normal step of ``scale`` times
    their width, numeric choices to the next value, other choices to any value."""
    changed = dict(point)
    for name in rng.sample(space.names, k=min(len(space.names), rng.choice((1, 1, 2)))):
        h = space[name]
        if isinstance(h, Range):
            changed[name] = h.decode(h.encode(point[name])[0] + rng.gauss(0.0, scale))
        elif h.ordered:
            ordered = sorted(h.values)
            place = ordered.index(h.at(h.index(point[name]))) + rng.choice((-1, 1))
            changed[name] = ordered[min(max(place, 0), h.size - 1)]
        else:
            changed[name] = h.sample(rng)
    return space.canonical(changed)
