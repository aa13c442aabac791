"""The prior of a transfer search: mean, covariance and noise, for many sets of parameters at once.

A sum of one effect per hyperparameter and of small joint ones, around a mean that falls on both
sides of a best learning rate. Trainings that differ in a weak setting only share their noise: every
point of a search is trained with the same seed, so two values of L2 decay see the same batches, and
measuring both tells hardly more than measuring one. A repeat has another seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy
from numpy.typing import NDArray

from paddle_transfer.samplers.gp.dimension_prior import Axis
from paddle_transfer.samplers.gp.encoding import Array
from paddle_transfer.samplers.gp.hyperprior import Parameters

#: Standard deviation of the level of a task, in log-odds; of one that resembles an earlier task.
LEVEL, RESEMBLING_LEVEL = 1.5, 0.5

#: The noise of a training grows by this share of its distance below the best (log-odds):
#: trainings near divergence differ most from seed to seed.
NOISE_BELOW = 0.05

#: The weight of a weak hyperparameter in a joint effect.
WEAK_WEIGHT = 0.1

#: What earlier tasks do not explain, as a share of the usual effects.
RESIDUAL = 0.5


class TaskFunction(Protocol):
    """An earlier task as a function of the rows of a search: log-odds, one number per row."""

    def __call__(self, rows: Array) -> Array: ...


@dataclass(frozen=True)
class Trainings:
    """Trainings as the noise sees them.

    :param rows: [n, axes]
    :param seeds: [n], 0 for the first training of a point, 1 for its first repeat, ...
    :param below: [sets or 1, n] distance below the best, in log-odds, at least 0
    """

    rows: Array
    seeds: NDArray[numpy.intp]
    below: Array


@dataclass(frozen=True)
class Prior:
    """Sets of parameters over the axes' columns.

    :param parameters: one value per set (``hyperprior.draw``)
    :param baseline: the row of the point that the search starts from; None: there is none
    :param floor: the least noise of a training, in log-odds
    :param tasks: earlier tasks, and ``of_task``: which of them each set resembles, -1 for none
    """

    axes: tuple[Axis, ...]
    parameters: Parameters
    baseline: Array | None = None
    floor: float = 0.0
    tasks: Sequence[TaskFunction] = ()
    of_task: NDArray[numpy.intp] | None = None

    def __len__(self) -> int:
        return len(self.parameters["peak"])

    def take(self, sets: NDArray[numpy.intp]) -> Prior:
        """The ``sets`` only."""
        of_task = None if self.of_task is None else self.of_task[sets]
        return Prior(self.axes, {name: values[sets] for name, values in self.parameters.items()},
                     self.baseline, self.floor, self.tasks, of_task)

    def mean(self, rows: Array) -> Array:
        """The prior mean up to a level, [sets, n]; to be maximised."""
        total: Array = numpy.zeros((len(self), len(rows)))
        for i, axis in enumerate(self.axes):
            if axis.is_rate:
                low, high = axis.ends()
                best = 0.5 * (low + high) + self._of("peak")[:, 0]
                distance = rows[:, i] - best
                total -= numpy.where(distance < 0, self._of("rise")[:, 0] * -distance,
                                     self._of("fall")[:, 0] * distance)
            elif self.baseline is not None and not axis.ordered:
                total -= self._of("leaving")[:, 0] * (rows[:, i] != self.baseline[i])
        if self.of_task is not None:
            for place, task in enumerate(self.tasks):
                total[self.of_task == place] = task(rows)
        return total

    def covariance(self, a: Array, b: Array) -> Array:
        """Covariance of the true values at the rows of ``a`` and ``b``, [sets, n, m]."""
        correlations = [self._correlation(i, a[:, i], b[:, i]) for i in range(len(self.axes))]
        total: Array = numpy.empty((len(self), len(a), len(b)))
        total[:] = self._level() ** 2
        for i, part in enumerate(correlations):
            total += self._amplitude(i) ** 2 * part
        for amplitude, part in self._joint(a, b, correlations):
            total += amplitude ** 2 * part
        return total

    def variance(self) -> Array:
        """The variance of a true value, [sets, 1]."""
        row = numpy.zeros((1, len(self.axes)))
        variance: Array = self.covariance(row, row)[:, :, 0]
        return variance

    def noise(self, a: Trainings, b: Trainings) -> Array:
        """Covariance of the shared noise of two lists of trainings, [sets, n, m]."""
        alike = (a.seeds[:, None] == b.seeds).astype(float)
        for i, axis in enumerate(self.axes):
            x, y = a.rows[:, i][:, None], b.rows[:, i]
            alike *= (_squared_exponential((x - y) / axis.prior.length_scale)
                      if axis.ordered and axis.prior.weak else x == y)
        one, other = self._shared_noise(a.below), self._shared_noise(b.below)
        covariance: Array = one[:, :, None] * other[:, None, :] * alike
        return covariance

    def noise_variance(self, trainings: Trainings) -> Array:
        """The variance of each training's whole noise, [sets, n]."""
        variance: Array = (self._shared_noise(trainings.below) ** 2
                           + self.parameters["own_noise"][:, None] ** 2)
        return variance

    def _of(self, name: str) -> Array:
        values: Array = self.parameters[name][:, None, None]
        return values

    def _shared_noise(self, below: Array) -> Array:
        usual = numpy.maximum(self.parameters["shared_noise"], self.floor)
        noise: Array = usual[:, None] + NOISE_BELOW * below
        return noise

    def _resembling(self) -> NDArray[numpy.bool_]:
        none = numpy.full(len(self), -1) if self.of_task is None else self.of_task
        resembling: NDArray[numpy.bool_] = (none >= 0)[:, None, None]
        return resembling

    def _level(self) -> Array:
        return numpy.where(self._resembling(), RESEMBLING_LEVEL, LEVEL)

    def _amplitude(self, i: int) -> Array:
        """Of the effect of axis ``i``, [sets, 1, 1]; along the rate of what its mean leaves."""
        axis = self.axes[i]
        usual = self._of("rate") if axis.is_rate else axis.prior.amplitude * self._of("effects")
        scale = numpy.where(self._resembling(), RESIDUAL, 1.0)
        amplitude: Array = scale * usual * self.parameters["amplitudes"][:, i][:, None, None]
        return amplitude

    def _correlation(self, i: int, a: Array, b: Array) -> Array:
        """Of the effect of axis ``i`` between coordinates, [sets or 1, n, m]."""
        axis = self.axes[i]
        if not axis.ordered:
            return numpy.asarray(a[:, None] == b, dtype=float)[None]
        if axis.prior.weak:
            return _squared_exponential((a[:, None] - b) / axis.prior.length_scale)[None]
        few, rows = numpy.unique(a, return_inverse=True)
        others, columns = numpy.unique(b, return_inverse=True)
        distance = (few[:, None] - others)[None] / axis.prior.length_scale
        if axis.is_rate:
            distance = distance / self._of("length")
        part: Array = _matern52(distance)[:, rows[:, None], columns]
        return part

    def _joint(self, a: Array, b: Array,
               correlations: Sequence[Array]) -> list[tuple[Array, Array]]:
        """(amplitude, correlation) of joint effects: of the rates with each other axis, and of
        everything."""
        shape = (1, len(a), len(b))
        lead, everything = numpy.ones(shape), numpy.ones(shape)
        for part, axis in zip(correlations, self.axes, strict=True):
            if axis.is_rate:
                lead = lead * part
        others = [(axis, part if not axis.prior.weak else 1.0 - WEAK_WEIGHT + WEAK_WEIGHT * part)
                  for axis, part in zip(self.axes, correlations, strict=True) if not axis.is_rate]
        for _, part in others:
            everything = everything * part
        usual = [part for axis, part in others if not axis.prior.moderates]
        few = self._of("joint") / numpy.sqrt(1 + len(usual))
        joint = [(few, lead * (everything + sum(usual)))]
        if any(axis.is_rate for axis in self.axes):
            joint += [(self._of("moderation"), lead * part) for axis, part in others
                      if axis.prior.moderates]
        return joint


def _squared_exponential(distance: Array) -> Array:
    return numpy.exp(-0.5 * distance * distance)


def _matern52(distance: Array) -> Array:
    """Matern 5/2."""
    distance = numpy.sqrt(5.0) * numpy.abs(distance)
    return (1.0 + distance + distance * distance / 3.0) * numpy.exp(-distance)
