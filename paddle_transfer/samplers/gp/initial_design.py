"""The points to try before there are results: likely to be good by the dimension priors, and far
from each other.

No numpy here, so that a preview of the first points answers at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from paddle_transfer.samplers.common import generator, untaken
from paddle_transfer.samplers.gp.dimension_prior import Axis, axis_of
from paddle_transfer.space.space import Point, Space, finite

#: How many points are drawn as candidates in spaces that are continuous or too large.
_SAMPLES = 300

#: The cost of leaving the baseline's value on an axis other than the rate, as a share of its
#: amplitude: small, so that workers that begin together try the other settings as well.
_LEAVING_BASELINE = 0.04

#: The first rates are a decade away from the baseline's, to both sides: nearer ones tell less, and
#: farther ones are good more rarely (log-odds per decade). All rates come before any comes twice.
_OFF_A_DECADE = 0.6

#: How much of the variance of other settings counts beside the rate's.
_OTHERS = 0.25


def initial_point(space: Space, taken: Sequence[Point], *, baseline: Point | None = None, seed: int,
                  count: int) -> Point | None:
    """The point with the largest sum of prior mean and prior distance from all ``taken``.

    :param count: the number of suggestions so far; with ``seed`` it decides the sample of a large
        space
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
    return max(candidates, key=lambda point: round(_score(axes, point, known, baseline), 9))


def _score(axes: Sequence[Axis], point: Point, taken: Sequence[Point],
           baseline: Point | None) -> float:
    """Prior mean plus prior standard deviation of the difference from the nearest taken point, in
    log-odds."""
    away = 1.0 if taken else 0.0
    mean = sum(_prior_mean(axis, point, baseline, away) for axis in axes)
    distance = min((sum(_difference_variance(axis, point, other) for axis in axes)
                    for other in taken), default=0.0)
    off_centre = sum((axis.hyperparameter.encode(point[axis.name])[0] - 0.5) ** 2
                     for axis in axes if axis.ordered)
    return mean + math.sqrt(distance) - 0.001 * off_centre


def _prior_mean(axis: Axis, point: Point, baseline: Point | None, away: float) -> float:
    """The expected effect of the axis at ``point``, at most 0; a rate is wanted ``away`` decades
    from the baseline's."""
    x = axis.coordinate(point[axis.name])
    if axis.is_rate:
        low, high = axis.ends()
        start = axis.coordinate(baseline[axis.name]) if baseline else 0.5 * (low + high)
        return -_OFF_A_DECADE * abs(abs(x - start) - away)
    stays = baseline is None or x == axis.coordinate(baseline[axis.name])
    return 0.0 if stays else -_LEAVING_BASELINE * axis.prior.amplitude


def _difference_variance(axis: Axis, one: Point, other: Point) -> float:
    """The prior variance of the difference that the axis makes between two points; that of other
    axes than the rate counts less."""
    a, b, prior = axis.coordinate(one[axis.name]), axis.coordinate(other[axis.name]), axis.prior
    alike = (math.exp(-0.5 * ((a - b) / prior.length_scale) ** 2) if axis.ordered
             else float(a == b))
    return (1.0 if axis.is_rate else _OTHERS) * 2.0 * prior.amplitude ** 2 * (1.0 - alike)
