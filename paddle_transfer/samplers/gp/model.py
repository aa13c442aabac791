"""The model of a search: Gaussian processes with different kernels, averaged by their posterior
weights.

With the average, no kernel has to be fitted to two or three trials, and misleading earlier tasks
(``task_prior``) lose their weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy

from paddle_transfer.samplers.base import Observation, PastTask
from paddle_transfer.samplers.gp import encoding
from paddle_transfer.samplers.gp.dimension_prior import Axis, axis_of
from paddle_transfer.samplers.gp.encoding import Array
from paddle_transfer.samplers.gp.model_average import candidates, posterior_weights
from paddle_transfer.samplers.gp.surrogate import Surrogate, condition
from paddle_transfer.samplers.gp.training_data import TrainingData, noise_floor, training_data
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.space import Point, Space

#: Prior odds of "like earlier tasks" against "like nothing seen", and the number of points per
#: hyperparameter after which half of them is left: earlier tasks know where to begin, and the new
#: one's own results soon know better (compare the weight dilution of RGPE, Feurer et al. 2018).
#: Below ``LEAST_ODDS`` they are left out.
ODDS, HALVED, LEAST_ODDS = 2.0, 0.25, 0.01

#: Beyond so many results, kernels are compared on a part of them and only the best one is used in
#: full: n^3.
MANY = 250


@dataclass(frozen=True)
class ModelAverage:
    """Models with their weights (sum 1), conditioned on ``data``.

    :param running: points in training, on whose predicted means the models are conditioned as well
    """

    axes: tuple[Axis, ...]
    data: TrainingData
    running: tuple[Point, ...]
    parts: list[tuple[float, Surrogate]]

    @property
    def cost(self) -> float:
        """The work of one model at one point, in multiplications."""
        results = len(self.parts[0][1].X_train_)
        return results * (results + 150)

    @property
    def noise(self) -> float:
        """The noise of one training near the best point, in units of the metric."""
        return self.data.slope * sum(weight * model.kernel_.kernel.training_noise
                                     for weight, model in self.parts)

    def heaviest(self, count: int) -> ModelAverage:
        """The average of the ``count`` models with the largest weights only."""
        kept = sorted(self.parts, key=lambda part: -part[0])[:count]
        total = sum(weight for weight, _ in kept)
        return replace(self, parts=[(weight / total, model) for weight, model in kept])

    def mean(self, rows: Array) -> Array:
        """The posterior mean at every row, without noise, in the units of ``data.values``."""
        return -sum((weight * model.predict(rows) for weight, model in self.parts),
                    start=numpy.zeros(len(rows)))


def model_of(space: Space, results: Sequence[Observation], running: Sequence[Point] = (), *,
             tasks: Sequence[PastTask] = (), eval_size: int | None = None) -> ModelAverage:
    """The model of ``results`` (at least one).

    :param tasks: earlier tasks
    :param eval_size: images that the metric is measured on: it sets a floor under the noise
    """
    axes = tuple(axis_of(h) for h in space.hyperparameters)
    data = training_data(space, results)
    rows, values, repeats = encoding.matrix(axes, data.points), data.values, data.repeats
    extra = _above_diverged(space, axes, results, data)
    if extra:
        rows = numpy.vstack([rows, encoding.matrix(axes, extra)])
        values = numpy.append(values, numpy.full(len(extra), values.min()))
        repeats = numpy.append(repeats, numpy.ones(len(extra)))
    odds = ODDS * 0.5 ** ((len(data.points) - 1) / (HALVED * len(axes)))
    kernels = candidates(axes, tasks if odds >= LEAST_ODDS else (), odds=odds)
    weighted = posterior_weights(kernels, rows, values, repeats, many=MANY,
                                 floor=noise_floor(data, eval_size))
    beside = encoding.matrix(axes, running)
    return ModelAverage(axes, data, tuple(running), [
        (weight, condition(kernel, rows, values, repeats, beside)) for kernel, weight in weighted])


def _above_diverged(space: Space, axes: Sequence[Axis], results: Sequence[Observation],
                    data: TrainingData) -> list[Point]:
    """The points of diverged trials, moved to the largest learning rate: they would have diverged
    there as well."""
    points = {}
    for o in results:
        for axis in axes:
            if o.state == "diverged" and axis.ordered and axis.prior.strong:
                h = axis.hyperparameter
                point = {**o.point, h.name: max(h.values) if isinstance(h, Choice) else h.high}
                points[space.key(point)] = point
    known = {space.key(point) for point in data.points}
    return [point for key, point in points.items() if key not in known]
