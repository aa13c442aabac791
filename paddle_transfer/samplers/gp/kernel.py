"""The covariance of a transfer search, in numpy.

A sum of one effect per hyperparameter, a small joint effect, and the noise of a training. Nearly
equal trainings share that noise: every point of a search is trained with the same seed, so two
values of L2 decay see the same batches. Measuring both tells hardly more than measuring one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy

from paddle_transfer.samplers.gp.dimension_prior import Axis
from paddle_transfer.samplers.gp.encoding import Array
from paddle_transfer.space.hyperparameter import Choice

#: Standard deviation of the level of a task, in log-odds.
LEVEL = 1.5

#: Amplitude of joint effects; the larger one where some hyperparameter has a large effect (mixup,
#: or an unknown name).
JOINT, JOINT_LARGE = 0.10, 0.20

#: The part of a strong hyperparameter's effect that all values of a moderating one share. Set by
#: hand (docs/benchmarks/strategies.md).
SHARED_EFFECT = 0.3

#: The weight of a weak hyperparameter in a joint effect.
WEAK_WEIGHT = 0.1

#: Noise of a training (log-odds): the part that near-duplicates share, and the part they do not.
SHARED_NOISE, OWN_NOISE = 0.10, 0.03

#: Columns longer than this may hold few different values, as those of a grid do.
_LONG_COLUMN = 400


class TaskModel(Protocol):
    """Earlier tasks at the rows of a search, as ``task_prior.TaskPrior``."""

    def mean(self, rows: Array) -> Array: ...

    def deviations(self, rows: Array) -> Array: ...


@dataclass(frozen=True)
class Kernel:
    """The prior mean and covariance over the axes' columns. Leading axes are the strong ones, or
    all unknown numeric ones where none is strong.

    :param length_factor: multiplies the length scale of leading axes
    :param leading_factor: multiplies the amplitude of leading axes
    :param other_factor: multiplies the amplitude of the others, but the weak
    :param level: standard deviation of the level
    :param training_noise: standard deviation of the noise that near-duplicates share
    :param amplitude_factors: multiply the amplitudes one by one; empty: 1
    :param joint: amplitude of joint effects; None: the usual one
    :param tasks: earlier tasks, whose mean and deviations are added
    """

    axes: tuple[Axis, ...]
    length_factor: float = 1.0
    leading_factor: float = 1.0
    other_factor: float = 1.0
    level: float = LEVEL
    training_noise: float = SHARED_NOISE
    amplitude_factors: tuple[float, ...] = ()
    joint: float | None = None
    tasks: TaskModel | None = field(default=None, compare=False)

    def mean(self, rows: Array) -> Array:
        """The prior mean at every row, up to a level; to be maximised."""
        if self.tasks is not None:
            return self.tasks.mean(rows)
        total = numpy.zeros(len(rows))
        for column, axis in enumerate(self.axes):
            if axis.ordered and axis.prior.peak is not None:
                total -= axis.prior.curvature * (rows[:, column] - axis.prior.peak) ** 2
            elif axis.prior.cost and isinstance(axis.hyperparameter, Choice) and not axis.ordered:
                on = [i for i, value in enumerate(axis.hyperparameter.values) if value is not False]
                total -= axis.prior.cost * numpy.isin(rows[:, column], on)
        return total

    def signal(self, a: Array, b: Array) -> Array:
        """Covariance of the true values at the rows of ``a`` and ``b``."""
        correlations = [self._correlation(i, a[:, i], b[:, i]) for i in range(len(self.axes))]
        total: Array = numpy.full((len(a), len(b)), self.level ** 2)
        for i, part in enumerate(correlations):
            total += self._amplitude(i) ** 2 * self._moderated(i, part, correlations)
        total += self._joint_amplitude() ** 2 * self._joint(a, b, correlations)
        if self.tasks is not None:
            total += self.tasks.deviations(a) @ self.tasks.deviations(b).T
        return total

    def variance(self, a: Array) -> Array:
        """The diagonal of ``signal(a, a)``."""
        total = self.level ** 2 + sum(self._amplitude(i) ** 2 for i in range(len(self.axes)))
        total += self._joint_amplitude() ** 2
        tasks = (self.tasks.deviations(a) ** 2).sum(axis=1) if self.tasks is not None else 0.0
        return numpy.full(len(a), total) + tasks

    def noise(self, a: Array, repeats: Array) -> Array:
        """Covariance of the noise of the rows' means over ``repeats`` trainings each. Repeat k of
        every point has the same seed, so of n and m repeats near-duplicates share the noise of the
        larger number."""
        total: Array = self.training_noise ** 2 / numpy.maximum.outer(repeats, repeats)
        for i, axis in enumerate(self.axes):
            column = a[:, i]
            if axis.ordered and axis.prior.weak:
                total *= _squared_exponential((column[:, None] - column) / axis.prior.length_scale)
            else:
                total *= column[:, None] == column
        return total + numpy.diag(OWN_NOISE ** 2 / repeats)

    def _leading(self, axis: Axis) -> bool:
        if any(other.prior.strong for other in self.axes):
            return axis.prior.strong
        return axis.ordered and not axis.prior.weak

    def _amplitude(self, i: int) -> float:
        axis = self.axes[i]
        own = self.amplitude_factors[i] if self.amplitude_factors else 1.0
        common = self.leading_factor if self._leading(axis) else (
            1.0 if axis.prior.weak else self.other_factor)
        return axis.prior.amplitude * own * common

    def _correlation(self, i: int, a: Array, b: Array) -> Array:
        """Of the effect of axis ``i`` between the coordinates ``a`` and ``b``."""
        if len(a) > _LONG_COLUMN:
            few, places = numpy.unique(a, return_inverse=True)
            if len(few) < len(a) // 4:
                return self._correlation(i, few, b)[places]
        axis = self.axes[i]
        if not axis.ordered:
            return numpy.asarray(a[:, None] == b, dtype=float)
        factor = self.length_factor if self._leading(axis) else 1.0
        distance = (a[:, None] - b) / (axis.prior.length_scale * factor)
        return _squared_exponential(distance) if axis.prior.weak else _matern52(distance)

    def _moderated(self, i: int, part: Array, correlations: Sequence[Array]) -> Array:
        """Correlation ``part`` of axis ``i``, lower between values of a moderating axis."""
        if not self.axes[i].prior.strong:
            return part
        for axis, same in zip(self.axes, correlations, strict=True):
            if axis.prior.moderates and not axis.ordered:
                part = part * (SHARED_EFFECT + (1 - SHARED_EFFECT) * same)
        return part

    def _joint_amplitude(self) -> float:
        if self.joint is not None:
            return self.joint
        small = all(axis.prior.log or axis.prior.amplitude <= 0.15 for axis in self.axes)
        return JOINT if small else JOINT_LARGE

    def _joint(self, a: Array, b: Array, correlations: Sequence[Array]) -> Array:
        """Correlation of joint effects: the mean of the products of each other axis with the strong
        ones, and of all."""
        strong = [i for i, axis in enumerate(self.axes) if axis.prior.strong and axis.ordered]
        lead = numpy.ones((len(a), len(b)))
        for i in strong:
            few, places = numpy.unique(a[:, i], return_inverse=True)
            scale = self.axes[i].prior.length_scale
            lead = lead * _matern52((few[:, None] - b[:, i]) / scale)[places]
        others = [(correlations[i], WEAK_WEIGHT if axis.prior.weak else 1.0)
                  for i, axis in enumerate(self.axes) if i not in strong]
        everything = numpy.ones((len(a), len(b)))
        for part, weight in others:
            everything = everything * (1.0 - weight + weight * part)
        pairs = [1.0 - weight + weight * part for part, weight in others] if strong else []
        joint: Array = lead * (everything + sum(pairs)) / (1 + len(pairs))
        return joint


def _squared_exponential(distance: Array) -> Array:
    return numpy.exp(-0.5 * distance * distance)


def _matern52(distance: Array) -> Array:
    """Matern 5/2."""
    distance = numpy.sqrt(5.0) * numpy.abs(distance)
    return (1.0 + distance + distance * distance / 3.0) * numpy.exp(-distance)
