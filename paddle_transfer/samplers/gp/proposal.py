"""The next point of a Bayesian search: the maximum of the acquisition over the points left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set

import numpy
from numpy.typing import NDArray

from paddle_transfer.samplers.common import Trials
from paddle_transfer.samplers.gp import encoding
from paddle_transfer.samplers.gp.acquisition import acquisition_values
from paddle_transfer.samplers.gp.encoding import Array
from paddle_transfer.samplers.gp.model import ModelAverage
from paddle_transfer.space.space import Point, Space, finite

#: Of a larger space only points near the best ones and a sample are looked at.
WHOLE = 3000


def next_point(trials: Trials, model: ModelAverage, *, acquisition: str) -> Point:
    """The next point.

    :param trials: not all points of a finite space are excluded
    :param model: of its results
    :param acquisition: one of ``sampler.ACQUISITIONS``
    """
    space, excluded, seed, count = trials.space, trials.excluded, trials.seed, trials.count
    had = Counter(space.key(point) for point in model.data.points)

    def values_of(points: list[Point], rows: Array) -> Array:
        seeds = numpy.array([had[space.key(point)] for point in points], dtype=numpy.intp)
        return acquisition_values(model, rows, acquisition, seeds)

    def best_of(points: list[Point]) -> Point:
        """The best of ``points`` that is not excluded; the best of all when every one is."""
        points = [point for point in points if space.key(point) not in excluded] or points
        return points[ranked(values_of(points, encoding.matrix(model.axes, points)))[0]]

    if finite(space, WHOLE):
        points = [space.point(i) for i in range(space.size or 0)]
        values = values_of(points, encoding.table(model.axes, space))
        return next(points[i] for i in ranked(values) if space.key(points[i]) not in excluded)
    order = numpy.argsort(-model.data.values, kind="stable")
    good = list({space.key(model.data.points[i]): model.data.points[i] for i in order}.values())[:5]
    if finite(space):
        points = encoding.near(space, good, limit=WHOLE, seed=seed, count=count)
    else:
        points = encoding.sampled(space, good, seed=seed, count=count)
    best = best_of(points)
    for scale in (0.05, 0.01):
        best = best_of([best, *encoding.refined(space, best, seed=seed, count=count, scale=scale)])
    return best


def ranked(values: Array) -> list[int]:
    """Indices by falling value. Processors differ in the last digits: values that are equal but for
    those stay in order."""
    step = max(1e-12, float(numpy.abs(values).max())) * 1e-9
    places: NDArray[numpy.intp] = numpy.argsort(-numpy.round(values / step), kind="stable")
    return [int(i) for i in places]


def expected_gain(model: ModelAverage, space: Space, tried: Set[str], winner: Point, *, seed: int,
                  count: int) -> float:
    """The largest expected gain of one more training of an untried point, in units of the metric; 0
    when there is none."""
    if finite(space, WHOLE):
        points = list(space.points())
    elif finite(space):
        points = encoding.near(space, [winner], limit=WHOLE, seed=seed, count=count)
    else:
        points = encoding.sampled(space, [winner], seed=seed, count=count)
    rows = encoding.matrix(model.axes, [p for p in points if space.key(p) not in tried])
    if not len(rows):
        return 0.0
    return float(acquisition_values(model, rows, "kg").max()) * model.data.slope
