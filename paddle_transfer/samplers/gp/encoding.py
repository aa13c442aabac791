"""Points as rows of numbers, and the lists of points that an acquisition is evaluated on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product

from paddle_transfer.samplers.common import generator
from paddle_transfer.samplers.gp.dimension_prior import Axis
from paddle_transfer.space.hyperparameter import Range
from paddle_transfer.space.space import Point, Space

#: How many points are drawn, and how many neighbours of the best, where points cannot be listed.
_SAMPLES, _NEIGHBOURS = 1500, 500


def matrix(axes: Sequence[Axis], points: Sequence[Point]):
    """One row per point, one column per axis."""
    import numpy
    rows = [[axis.place(point[axis.name]) for axis in axes] for point in points]
    return numpy.array(rows, dtype=float).reshape(len(points), len(axes))


def table(axes: Sequence[Axis], space: Space):
    """The rows of all points of a finite space, row i for point i; built per column, so that 100,000 points take
    milliseconds."""
    import numpy
    digits = numpy.unravel_index(numpy.arange(space.size), [block.size for block in space.blocks])
    by_name = {axis.name: axis for axis in axes}
    columns = {}
    for block, digit in zip(space.blocks, digits):
        points = [block.at(i) for i in range(block.size)]
        for h in block.hyperparameters:
            columns[h.name] = numpy.array(
                [by_name[h.name].place(point[h.name]) for point in points], dtype=float)[digit]
    return numpy.stack([columns[axis.name] for axis in axes], axis=1)


def sampled(space: Space, good: Sequence[Point], *, seed: int, count: int) -> list[Point]:
    """Points of a space that cannot be listed: uniform draws, and neighbours of the ``good`` ones (best first)."""
    rng = generator(seed, count, "candidates")
    points = [space.sample(rng) for _ in range(_SAMPLES)]
    return points + [
        neighbour(space, good[i % len(good)], rng, scale=0.1) for i in range(_NEIGHBOURS) if good
    ]


def near(space: Space, good: Sequence[Point], *, limit: int, seed: int, count: int) -> list[Point]:
    """At most ``limit`` points of a finite space: what differs from ``good`` in one or two places, then draws."""
    found: dict[str, Point] = {}
    for point in good:
        for one, two in combinations(space.hyperparameters, 2):
            for i, j in product(range(one.size), range(two.size)):
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


def neighbour(space: Space, point: Point, rng, *, scale: float) -> Point:
    """``point`` with one or two hyperparameters changed a little: ranges by a normal step of ``scale`` of their
    width, choices to the next value (numbers) or to any (names)."""
    changed = dict(point)
    for name in rng.sample(space.names, k=min(len(space.names), rng.choice((1, 1, 2)))):
        h = space[name]
        if isinstance(h, Range):
            changed[name] = h.decode(h.encode(point[name])[0] + rng.gauss(0.0, scale))
        elif h.ordered:
            order = sorted(range(h.size), key=lambda i: h.values[i])
            place = order.index(h.index(point[name])) + rng.choice((-1, 1))
            changed[name] = h.at(order[min(max(place, 0), h.size - 1)])
        else:
            changed[name] = h.sample(rng)
    return space.canonical(changed)
