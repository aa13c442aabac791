"""The model of a search: Gaussian processes with many sets of parameters, averaged by their
posterior weights.

With the average, no parameter has to be fitted to two or three trials, and a misleading earlier
task loses its weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from paddle_transfer.samplers.base import Observation, PastTask
from paddle_transfer.samplers.gp import encoding
from paddle_transfer.samplers.gp.dimension_prior import Axis, axis_of
from paddle_transfer.samplers.gp.encoding import Array
from paddle_transfer.samplers.gp.hyperprior import COUNT, Hyperprior, draw, fitted
from paddle_transfer.samplers.gp.kernel import Prior, Trainings
from paddle_transfer.samplers.gp.task_prior import task_functions
from paddle_transfer.samplers.gp.training_data import TrainingData, noise_floor, training_data
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.space import Point, Space

#: Prior odds of "like one of the earlier tasks" against "like nothing seen", and the number of
#: points per hyperparameter after which half of them is left: earlier tasks know where to begin,
#: and the new one's own results soon know better (compare the weight dilution of RGPE, Feurer et
#: al. 2018). Below ``LEAST_ODDS`` they are left out.
ODDS, HALVED, LEAST_ODDS = 2.0, 0.5, 0.01

#: Sets of parameters that resemble an earlier task.
RESEMBLING = 64

#: Sets that stand for all of them: drawn by their posterior weights (systematic resampling), a
#: heavy one several times.
DRAWN = 40

#: With more results, sets are weighed by so many of them: n^3.
MANY = 60

#: Added to variances, so that factorizations exist (log-odds squared).
JITTER = 1e-6


@dataclass(frozen=True)
class ModelAverage:
    """Processes with their weights (sum 1), conditioned on ``data``.

    :param prior: the sets of parameters that are left
    :param running: points in training: where the model acts as if their means had been seen
    """

    axes: tuple[Axis, ...]
    data: TrainingData
    running: tuple[Point, ...]
    prior: Prior
    weights: Array
    trainings: Trainings
    _lower: Array = field(repr=False)
    _alpha: Array = field(repr=False)

    @property
    def noise(self) -> float:
        """The noise of one training at the best point, in units of the metric."""
        best = Trainings(self.trainings.rows[:1], self.trainings.seeds[:1], numpy.zeros((1, 1)))
        deviations = numpy.sqrt(self.prior.noise_variance(best))[:, 0]
        return self.data.slope * float(self.weights @ deviations)

    def mean(self, rows: Array) -> Array:
        """The posterior mean at every row, without noise, in the units of ``data.values``."""
        mean: Array = self.weights @ self.predict(rows)[0]
        return mean

    def predict(self, rows: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the true value by every set, [sets, n] each."""
        means, deviations = [], []
        for block in numpy.array_split(rows, 1 + len(rows) * len(self.trainings.rows) // 40_000):
            half = self.half(block)
            means.append(self.means(block, half))
            left = self.prior.variance() - (half * half).sum(axis=1)
            deviations.append(numpy.sqrt(numpy.maximum(left, 1e-10)))
        return numpy.concatenate(means, axis=1), numpy.concatenate(deviations, axis=1)

    def joint(self, rows: Array) -> tuple[Array, Array]:
        """Mean [sets, n] and covariance [sets, n, n] of the true values."""
        half = self.half(rows)
        covariance = self.prior.covariance(rows, rows) - half.transpose(0, 2, 1) @ half
        return self.means(rows, half), covariance

    def half(self, rows: Array, noise: Array | None = None) -> Array:
        """L^-1 times the covariance of the results with true values at ``rows`` (with results
        there, where their shared ``noise`` is given): [sets, results, n]."""
        cross = self.prior.covariance(self.trainings.rows, rows)
        return _solved(self._lower, cross if noise is None else cross + noise)

    def means(self, rows: Array, half: Array) -> Array:
        """The posterior mean by every set, [sets, n]; ``half``: of ``rows``."""
        means: Array = self.prior.mean(rows) + numpy.einsum("snm,sn->sm", half, self._alpha)
        return means


def model_of(space: Space, results: Sequence[Observation], running: Sequence[Point] = (), *,
             tasks: Sequence[PastTask] = (), hyperprior: Hyperprior | None = None,
             eval_size: int | None = None, baseline: Point | None = None) -> ModelAverage:
    """The model of ``results`` (at least one).

    :param tasks: earlier tasks
    :param hyperprior: what is believed of the parameters; None: what ships with the package
    :param eval_size: images that the metric is measured on: it sets a floor under the noise
    :param baseline: the point that the search starts from
    """
    axes = tuple(axis_of(h) for h in space.hyperparameters)
    data = training_data(space, results)
    rows, values, weights = encoding.matrix(axes, data.points), data.values, data.weights
    seeds = data.seeds
    extra = _above_diverged(space, axes, results, data)
    if extra:
        rows = numpy.vstack([rows, encoding.matrix(axes, extra)])
        values = numpy.append(values, numpy.full(len(extra), values.min()))
        weights = numpy.append(weights, numpy.ones(len(extra)))
        seeds = numpy.append(seeds, numpy.zeros(len(extra), dtype=numpy.intp))
    trainings = Trainings(rows, seeds, numpy.maximum(0.0, data.best - values)[None])
    known = baseline is not None and space.contains(baseline)
    start = encoding.matrix(axes, [baseline])[0] if baseline and known else None
    count = len({space.key(point) for point in data.points})
    prior, before = _sets(axes, tasks, count, hyperprior or fitted(), start,
                          noise_floor(data, eval_size))
    prior, after = _weighed(prior, before, trainings, values, weights)
    lower, alpha = _factorized(prior, trainings, values, weights)
    model = ModelAverage(axes, data, tuple(running), prior, after, trainings, lower, alpha)
    return _with_running(model, weights) if running else model


def _sets(axes: tuple[Axis, ...], tasks: Sequence[PastTask], points: int, hyperprior: Hyperprior,
          baseline: Array | None, floor: float) -> tuple[Prior, Array]:
    """The sets of parameters with their prior weights (sum 1)."""
    odds = ODDS * 0.5 ** ((points - 1) / (HALVED * len(axes)))
    functions = task_functions(tasks, axes) if odds >= LEAST_ODDS else []
    names = [axis.name for axis in axes]
    parameters = draw(hyperprior, names)
    if not functions:
        return (Prior(axes, parameters, baseline, floor), numpy.full(COUNT, 1.0 / COUNT))
    some = draw(hyperprior, names, RESEMBLING)
    parameters = {name: numpy.concatenate([values, some[name]])
                  for name, values in parameters.items()}
    of_task = numpy.append(numpy.full(COUNT, -1), numpy.arange(RESEMBLING) % len(functions))
    before = numpy.append(numpy.full(COUNT, 1.0 / COUNT / (1.0 + odds)),
                          numpy.full(RESEMBLING, odds / RESEMBLING / (1.0 + odds)))
    return Prior(axes, parameters, baseline, floor, functions, of_task), before


def _weighed(prior: Prior, before: Array, trainings: Trainings, values: Array,
             weights: Array) -> tuple[Prior, Array]:
    """The likeliest sets, with their posterior weights."""
    picked = _subset(values, MANY)
    some = Trainings(trainings.rows[picked], trainings.seeds[picked], trainings.below[:, picked])
    score = numpy.log(before) + log_likelihoods(prior, some, values[picked], weights[picked])
    posterior = numpy.exp(score - score.max())
    posterior /= posterior.sum()
    places = (numpy.arange(DRAWN) + 0.5) / DRAWN
    drawn = numpy.searchsorted(numpy.cumsum(posterior)[:-1], places)
    kept, times = numpy.unique(drawn, return_counts=True)
    return prior.take(kept), times / DRAWN


def log_likelihoods(prior: Prior, trainings: Trainings, values: Array, weights: Array) -> Array:
    """Of the results, by every set of parameters, up to a constant: [sets]."""
    lower, alpha = _factorized(prior, trainings, values, weights)
    likelihoods: Array = (-0.5 * (alpha ** 2).sum(axis=1)
                          - numpy.log(numpy.diagonal(lower, axis1=1, axis2=2)).sum(axis=1))
    return likelihoods


def _factorized(prior: Prior, trainings: Trainings, values: Array,
                weights: Array) -> tuple[Array, Array]:
    """The Cholesky factors L of the results' covariance, and L^-1 of their residuals."""
    lower = _lower(prior, trainings, weights)
    residuals = values - prior.mean(trainings.rows)
    return lower, _solved(lower, residuals[:, :, None])[:, :, 0]


def _lower(prior: Prior, trainings: Trainings, weights: Array) -> Array:
    covariance = (prior.covariance(trainings.rows, trainings.rows)
                  + prior.noise(trainings, trainings))
    own = prior.parameters["own_noise"][:, None] ** 2
    # a pruned training says as much as one with more noise
    more = prior.noise_variance(trainings) * (1.0 / weights - 1.0)
    diagonal = numpy.arange(len(weights))
    covariance[:, diagonal, diagonal] += own + more + JITTER
    return numpy.asarray(numpy.linalg.cholesky(covariance), dtype=float)


def _with_running(model: ModelAverage, weights: Array) -> ModelAverage:
    """``model``, as if each running training had ended with its predicted mean: no mean changes,
    only what is left to learn."""
    rows = encoding.matrix(model.axes, model.running)
    means, _ = model.predict(rows)
    below = numpy.maximum(0.0, model.data.best - means)
    old = model.trainings
    both = Trainings(
        numpy.vstack([old.rows, rows]), numpy.append(old.seeds, numpy.zeros(len(rows), int)),
        numpy.hstack([numpy.broadcast_to(old.below, (len(below), old.below.shape[1])), below]))
    lower = _lower(model.prior, both, numpy.append(weights, numpy.ones(len(rows))))
    seen = numpy.concatenate([model.prior.mean(old.rows) + _times(model), means], axis=1)
    residuals = seen - model.prior.mean(both.rows)
    alpha = _solved(lower, residuals[:, :, None])[:, :, 0]
    return ModelAverage(model.axes, model.data, model.running, model.prior, model.weights, both,
                        lower, alpha)


def _times(model: ModelAverage) -> Array:
    """The residuals of the results, from their factors."""
    residuals: Array = numpy.einsum("snm,sm->sn", model._lower, model._alpha)
    return residuals


def _solved(lower: Array, right: Array) -> Array:
    """L^-1 times ``right``, set by set."""
    return numpy.stack([solve_triangular(one, other, lower=True, check_finite=False)
                        for one, other in zip(lower, right, strict=True)])


def _subset(values: Array, limit: int) -> NDArray[numpy.intp]:
    """Indices of at most ``limit`` values: the best half, and the others evenly through their
    order."""
    order = numpy.argsort(-values, kind="stable")
    if len(order) <= limit:
        return numpy.arange(len(order))
    half = limit // 2
    return numpy.append(order[:half], order[numpy.linspace(half, len(order) - 1, limit - half,
                                                           dtype=int)])


def _above_diverged(space: Space, axes: Sequence[Axis], results: Sequence[Observation],
                    data: TrainingData) -> list[Point]:
    """The points of diverged trials, moved to the largest learning rate: they would have diverged
    there as well."""
    points = {}
    for o in results:
        for axis in axes:
            if o.state == "diverged" and axis.is_rate:
                h = axis.hyperparameter
                point = {**o.point, h.name: max(h.values) if isinstance(h, Choice) else h.high}
                points[space.key(point)] = point
    known = {space.key(point) for point in data.points}
    return [point for key, point in points.items() if key not in known]
