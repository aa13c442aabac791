"""The next point of a Bayesian search: the maximum of the acquisition over the points left."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy
from scipy.special import log_ndtr
from skopt.acquisition import gaussian_ei, gaussian_lcb, gaussian_pi

from paddle_transfer.samplers.base import Observation, PastTask
from paddle_transfer.samplers.common import Trials
from paddle_transfer.samplers.gp import encoding
from paddle_transfer.samplers.gp.encoding import Array
from paddle_transfer.samplers.gp.model import ModelAverage, model_of
from paddle_transfer.samplers.gp.surrogate import Surrogate
from paddle_transfer.space.space import Point, finite

#: Margin xi of expected improvement, in log-odds (0.4 points at an accuracy of 0.88). Without it
#: the near-duplicates of a good point, whose improvement is small and likely, come before its
#: untried neighbours.
MARGIN = 0.04

#: The most work of one acquisition: points x results x (results + 150). ``WORK`` is about two
#: seconds of one core: where all points times all models are more, only the heaviest models are
#: kept. Where one model at all points is more than ``EXACT`` (100,000 points and 320 results), only
#: points near the best ones and a sample are looked at.
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


def acquisition_values(average: ModelAverage, rows: Array, name: str, *,
                       margin: float = MARGIN) -> Array:
    """The acquisition ``name`` (one of ``sampler.ACQUISITIONS``) at every row, to be maximised: the
    weighted mean over the models."""
    tried = encoding.matrix(average.axes, [*average.data.points, *average.running])
    total = numpy.zeros(len(rows))
    for weight, model in average.parts:
        if name in ("ucb", "lcb"):
            total -= weight * gaussian_lcb(rows, model, kappa=1.0)
            continue
        best = float(model.predict(tried).min())
        if name == "pi":
            total += weight * gaussian_pi(rows, model, y_opt=best, xi=0.01)
        elif name == "ei":
            total += weight * gaussian_ei(rows, model, y_opt=best, xi=margin)
        else:
            total += weight * numpy.exp(_log_ei(rows, model, best - margin))
    return numpy.log(numpy.maximum(total, 1e-300)) if name == "logei" else total


def expected_improvement(average: ModelAverage, rows: Array) -> Array:
    """The expected improvement of every row over the best tried point, in units of the metric."""
    return acquisition_values(average, rows, "ei", margin=0.0) * average.data.slope


def _log_ei(rows: Array, model: Surrogate, best: float) -> Array:
    """The logarithm of expected improvement, exact where the improvement itself underflows."""
    mean, deviation = model.predict(rows, return_std=True)
    u = (best - mean) / deviation
    log_pdf = -0.5 * u * u - 0.5 * math.log(2.0 * math.pi)
    # ei = deviation * pdf * (1 + u * cdf / pdf), and the bracket falls like 1 / u^2
    ratio = numpy.exp(numpy.minimum(log_ndtr(u) - log_pdf, 700.0))
    inner = numpy.where(u < -6.0, 1.0 / (u * u + 3.0), numpy.maximum(1.0 + u * ratio, 1e-300))
    log_ei: Array = numpy.log(deviation) + log_pdf + numpy.log(inner)
    return log_ei
