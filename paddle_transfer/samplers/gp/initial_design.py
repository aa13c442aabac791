"""Where to look before there are results: where beliefs expect good values, apart from all that is taken.

No numpy and no skopt here, so that a preview of the first points answers at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from paddle_transfer.samplers.common import generator, untaken
from paddle_transfer.samplers.gp.dimension_prior import Axis, axis_of
from paddle_transfer.space.space import Point, Space, finite

#: So many points are looked at in spaces that are too large or continuous.
_SAMPLES = 300

#: What leaving the fixed point's side costs on an axis that is not leading, as a share of its amplitude: without
#: results, its maker's choice is as good as any, and a change of the learning rate alone tells more.
_STAY = 0.3


def start_point(space: Space, taken: Sequence[Point], *, fixed: Point | None = None, seed: int,
                count: int) -> Point | None:
    """The point with the largest sum of what is believed of it and how much it may differ from all ``taken``.

    :param count: how many suggestions there were; with ``seed`` it decides the sample of a large space
    :returns: None when every point of a finite space is taken
    """
    if finite(space, _SAMPLES):
        candidates = list(space.points())
    else:
        rng = generator(seed, count, "start")
        candidates = [space.sample(rng) for _ in range(_SAMPLES)]
    seen = {space.key(point) for point in taken}
    candidates = [point for point in candidates if space.key(point) not in seen]
    if not candidates:
        return untaken(space, seen) if space.size is not None else None
    axes = [axis_of(h) for h in space.hyperparameters]
    known = [point for point in taken if space.contains(point)]
    return max(candidates, key=lambda point: round(_promise(axes, point, known, fixed), 9))


def _promise(axes: Sequence[Axis], point: Point, taken: Sequence[Point],
             fixed: Point | None) -> float:
    expected = sum(_expected(axis, point, fixed) for axis in axes)
    apart = min((sum(_difference(axis, point, other) for axis in axes) for other in taken),
                default=0.0)
    middle = sum(
        (axis.hyperparameter.encode(point[axis.name])[0] - 0.5) ** 2 for axis in axes if axis.line)
    return expected + math.sqrt(apart) - 0.001 * middle


def _expected(axis: Axis, point: Point, fixed: Point | None) -> float:
    belief = axis.belief
    if axis.line and belief.peak is not None:
        return -belief.bend * (axis.place(point[axis.name]) - belief.peak) ** 2
    stays = fixed is None or axis.place(point[axis.name]) == axis.place(fixed[axis.name])
    return 0.0 if stays else -_STAY * belief.amplitude


def _difference(axis: Axis, one: Point, other: Point) -> float:
    """The variance of the difference that the axis makes between two points."""
    a, b = axis.place(one[axis.name]), axis.place(other[axis.name])
    if not axis.line:
        return 2.0 * axis.belief.amplitude ** 2 * (a != b)
    return 2.0 * axis.belief.amplitude ** 2 * (1.0 - math.exp(-0.5 *
                                                              ((a - b) / axis.belief.length) ** 2))
