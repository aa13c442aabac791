"""The covariance that a transfer search expects, in numpy.

A sum of one effect per hyperparameter, a small one for what they do together, and the noise of a training. That
noise is shared by trainings that are nearly the same (all searches train every point with one seed, so two L2
decays see the same batches): measuring both tells hardly more than measuring one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy

from paddle_transfer.samplers.gp.dimension_prior import Axis

#: The level of a task, in log-odds.
LEVEL = 1.5

#: Joint effects: of two hyperparameters along a strong one, and of all together; the larger one where one of them has a
#: large effect (mixup, or a name that is not known).
JOINT, JOINT_LARGE = 0.10, 0.20

#: As what part of a joint effect a weak hyperparameter counts.
WEAK_PART = 0.1

#: Noise of a training (shared by near twins), and what is left between near twins; in log-odds.
SHARED_NOISE, OWN_NOISE = 0.10, 0.03

_REPEATED = 400


@dataclass(frozen=True)
class Kernel:
    """One covariance over the axes' columns. ``stretch`` multiplies the length of leading axes (the strong ones, or
    all unknown lines where none is strong), ``lift`` their amplitude, ``spread`` that of the others (but
    the weak), ``shares`` the amplitudes one by one.
    ``training_noise`` is what near twins share of it. ``joint``: the amplitude of what hyperparameters do together,
    None: the usual one. ``tasks`` adds the deviations of earlier tasks from their mean (see ``prior.Tasks``)."""

    axes: tuple[Axis, ...]
    stretch: float = 1.0
    lift: float = 1.0
    spread: float = 1.0
    level: float = LEVEL
    training_noise: float = SHARED_NOISE
    shares: tuple[float, ...] = ()
    joint: float | None = None
    tasks: object | None = field(default=None, compare=False)

    def mean(self, rows):
        """What is expected of every row before any trial, up to a level; to be maximised."""
        if self.tasks is not None:
            return self.tasks.mean(rows)
        total = numpy.zeros(len(rows))
        for column, axis in enumerate(self.axes):
            if axis.line and axis.belief.peak is not None:
                total -= axis.belief.bend * (rows[:, column] - axis.belief.peak) ** 2
            elif axis.belief.cost and not axis.line:
                on = [
                    place for place, value in enumerate(axis.hyperparameter.values)
                    if value is not False
                ]
                total -= axis.belief.cost * numpy.isin(rows[:, column], on)
        return total

    def signal(self, a, b):
        """Covariance of the true values at the rows of ``a`` and ``b``."""
        alike = [self._alike(i, a[:, i], b[:, i]) for i in range(len(self.axes))]
        total = numpy.full((len(a), len(b)), self.level ** 2)
        for i, part in enumerate(alike):
            total += self._amplitude(i) ** 2 * part
        total += self._joint() ** 2 * self._together(a, b, alike)
        if self.tasks is not None:
            total += self.tasks.deviations(a) @ self.tasks.deviations(b).T
        return total

    def variance(self, a):
        """The diagonal of ``signal(a, a)``."""
        total = self.level ** 2 + sum(self._amplitude(i) ** 2
                                      for i in range(len(self.axes))) + self._joint() ** 2
        if self.tasks is not None:
            return total + (self.tasks.deviations(a) ** 2).sum(axis=1)
        return numpy.full(len(a), total)

    def noise(self, a, repeats):
        """Covariance of the noise of the rows' means over ``repeats`` trainings each. Repeat k of every point has the
        same seed, so of n and m repeats the noise that near twins share is that of the larger number."""
        total = self.training_noise ** 2 / numpy.maximum.outer(repeats, repeats)
        for i, axis in enumerate(self.axes):
            column = a[:, i]
            if axis.line and axis.belief.weak:
                total *= _smooth((column[:, None] - column) / axis.belief.length)
            else:
                total *= column[:, None] == column
        return total + numpy.diag(OWN_NOISE ** 2 / repeats)

    def _leading(self, axis: Axis) -> bool:
        if any(other.belief.strong for other in self.axes):
            return axis.belief.strong
        return axis.line and not axis.belief.weak

    def _amplitude(self, i: int) -> float:
        axis = self.axes[i]
        share = self.shares[i] if self.shares else 1.0
        if not self._leading(axis):
            return axis.belief.amplitude * share * (1.0 if axis.belief.weak else self.spread)
        return axis.belief.amplitude * share * self.lift

    def _alike(self, i: int, a, b):
        if len(a) > _REPEATED:  # a grid's columns hold few values: look them up
            few, places = numpy.unique(a, return_inverse=True)
            if len(few) < len(a) // 4:
                return self._alike(i, few, b)[places]
        axis = self.axes[i]
        if not axis.line:
            return (a[:, None] == b).astype(float)
        distance = (a[:, None] - b) / (axis.belief.length *
                                       (self.stretch if self._leading(axis) else 1.0))
        return _smooth(distance) if axis.belief.weak else _rough(distance)

    def _joint(self) -> float:
        if self.joint is not None:
            return self.joint
        small = all(axis.belief.log or axis.belief.amplitude <= 0.15 for axis in self.axes)
        return JOINT if small else JOINT_LARGE

    def _together(self, a, b, alike: Sequence):
        """The mean of products: each other axis with the strong ones, and all of them. Weak axes do a small part."""
        strong = [i for i, axis in enumerate(self.axes) if axis.belief.strong and axis.line]
        lead = numpy.ones((len(a), len(b)))
        for i in strong:
            few, places = numpy.unique(a[:, i], return_inverse=True)
            lead = lead * _rough((few[:, None] - b[:, i]) / self.axes[i].belief.length)[places]
        others = [(alike[i], self._part(i)) for i in range(len(self.axes)) if i not in strong]
        everything = numpy.ones((len(a), len(b)))
        for part, share in others:
            everything = everything * (1.0 - share + share * part)
        pairs = [1.0 - share + share * part for part, share in others] if strong else []
        return lead * (everything + sum(pairs)) / (1 + len(pairs))

    def _part(self, i: int) -> float:
        return WEAK_PART if self.axes[i].belief.weak else 1.0


def _smooth(distance):
    return numpy.exp(-0.5 * distance * distance)


def _rough(distance):
    """Matern 5/2."""
    distance = numpy.sqrt(5.0) * numpy.abs(distance)
    return (1.0 + distance + distance * distance / 3.0) * numpy.exp(-distance)
