"""The next point of a Bayesian search: the maximum of the acquisition over the points that are
left."""

from __future__ import annotations

from collections.abc import Sequence

import numpy

from paddle_transfer.samplers.base import Observation, PastTask
from paddle_transfer.samplers.common import Trials
from paddle_transfer.samplers.gp import encoding
from paddle_transfer.samplers.gp.acquisition import acquisition_values
from paddle_transfer.samplers.gp.encoding import Array
from paddle_transfer.samplers.gp.model import model_of
from paddle_transfer.space.space import Point, finite

#: The most work of one acquisition: points x results x (results + 150). ``WORK`` is about two
#: seconds of one core:
#: where all points times all models are more, only the heaviest models are kept. Where one model at
#: all points is more
#: than ``EXACT`` (100,000 points and 320 results), only points near the best ones and a sample are
#: looked at.
WORK, EXACT = 4e9, 1.5e10


def next_point(trials: Trials, results: Sequence[Observation], *, acquisition: str,
               tasks: Sequence[PastTask], eval_size: int | None) -> Point:
    """The next point.

    :param trials: not all points of a finite space are excluded
    :param results: their valid observations, at least one
    :param acquisition: one of ``sampler.ACQUISITIONS``
    """
    space, excluded, seed, count = trials.space, trials.excluded, trials.seed, trials.count
    running = [point for point in trials.running if space.contains(point)]
    model = model_of(space, results, running, tasks=tasks, eval_size=eval_size)
    order = numpy.argsort(-model.data.values, kind="stable")[:5]
    good = [model.data.points[i] for i in order]

    def best_of(points: list[Point]) -> Point:
        """The best of ``points`` that is not excluded; the best of all when every one is."""
        points = [point for point in points if space.key(point) not in excluded] or points
        values = acquisition_values(model, encoding.matrix(model.axes, points), acquisition)
        return points[_ranked(values)[0]]

    if finite(space) and space.size is not None:
        room = WORK / model.cost
        model = model.heaviest(max(1, int(room / space.size)))
        if space.size <= EXACT / model.cost:
            values = acquisition_values(model, encoding.table(model.axes, space), acquisition)
            return next(point for point in map(space.point, _ranked(values))
                        if space.key(point) not in excluded)
        points = encoding.near(space, good, limit=int(room), seed=seed, count=count)
    else:
        points = encoding.sampled(space, good, seed=seed, count=count)
    best = best_of(points)
    for scale in (0.05, 0.01):
        best = best_of([best, *encoding.refined(space, best, seed=seed, count=count, scale=scale)])
    return best


def _ranked(values: Array) -> list[int]:
    """Indices by falling value. Processors differ in the last digits: values that are equal but for
    those stay in order."""
    step = max(1e-12, float(numpy.abs(values).max())) * 1e-9
    return [int(i) for i in numpy.argsort(-numpy.round(values / step), kind="stable")]
