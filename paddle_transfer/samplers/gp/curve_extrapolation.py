"""The gain of a training from one of its epochs to its end, extrapolated from finished trainings.

A training at an early epoch gains more the more of its schedule is left, and large learning rates
gain late: under a cosine schedule they look bad until the rate falls, as do mixup and label
smoothing. So gains are modelled by a Gaussian process over the hyperparameters. Its prior is wide:
a finished training at another learning rate says little. Its constants were set by
hand on small numpy networks and recorded tables.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy

from paddle_transfer.samplers.base import Observation
from paddle_transfer.samplers.gp import encoding
from paddle_transfer.samplers.gp.dimension_prior import Axis, axis_of
from paddle_transfer.samplers.gp.encoding import Array
from paddle_transfer.samplers.gp.metric_scale import log_odds, tail_mean
from paddle_transfer.space.space import Point, Space

Curve = Sequence[tuple[int, float]]

#: Prior mean and standard deviation of the gain over the whole schedule, in units of the scale.
#: Both fall with the ``POWER``-th power of the share that is left.
MEAN, SPREAD, POWER = 1.0, 0.9, 2.5

#: Standard deviation of the part that no training says of another; where trainings are few and
#: fluctuate it is more: these multiples are compared by their likelihood.
FLOOR, FLOOR_FACTORS = 0.08, (1.0, 2.0, 4.0)

#: Parts of the standard deviation: common to all trainings, and along an axis of each kind.
COMMON, STRONG, WEAK, OTHER = 0.6, 0.8, 0.1, 0.4


@dataclass(frozen=True)
class Scale:
    """The scale of gains.

    :param is_proportion: the metric is in 0..1 and counts in log-odds; others count as they are
    :param unit: 1 in log-odds; else the most that a whole training gained after its first epoch
    """

    is_proportion: bool
    unit: float = 1.0

    def __call__(self, value: float) -> float:
        return log_odds(value) if self.is_proportion else value

    def level(self, curve: Curve) -> float:
        """The best value of a curve so far: a dip does not count against it."""
        return max(self(value) for _, value in curve if math.isfinite(value))

    def gain(self, whole: Observation, share: float) -> float | None:
        """The gain of a whole training after ``share`` (0..1) of its epochs, below 0 when it fell;
        None when its curve has no value there."""
        until = max(1, round(share * whole.curve[-1][0]))
        begun = [(epoch, value) for epoch, value in whole.curve
                 if epoch <= until and math.isfinite(value)]
        return self(tail_mean(whole)) - self.level(begun) if begun else None


def scale_of(whole: Sequence[Observation], curve: Curve) -> Scale | None:
    """The scale; None while too few trainings are known of a metric that is no proportion."""
    values = [value for c in [curve, *(o.curve for o in whole)]
              for _, value in c if math.isfinite(value)]
    if all(0.0 <= value <= 1.0 for value in values):
        return Scale(True)
    plain = Scale(False)
    rises = [plain.gain(o, 0.0) or 0.0 for o in whole]
    return Scale(False, max(rises)) if len(rises) >= 3 and max(rises) > 0 else None


def expected_gain(space: Space, point: Point, whole: Sequence[Observation], share: float, *,
                  scale: Scale) -> tuple[float, float]:
    """Mean and standard deviation of the gain of ``point`` after ``share`` (0..1) of its epochs.

    :param whole: trainings that were not stopped, with their curves
    """
    known = [(o.point, gain) for o in whole if (gain := scale.gain(o, share)) is not None]
    axes = tuple(axis_of(h) for h in space.hyperparameters)
    left = (1.0 - share) ** POWER * scale.unit
    noise = (FLOOR * scale.unit) ** 2
    # Trainings that start later than this prior expects (a warmup, ...) widen it by as much.
    most = max((abs(gain) for _, gain in known), default=0.0)
    left *= max(1.0, most / ((MEAN + SPREAD) * left + math.sqrt(noise)))
    rows = encoding.matrix(axes, [*(other for other, _ in known), point])
    covariance = (SPREAD * left) ** 2 * _correlation(axes, rows)
    own, cross, among = covariance[-1, -1], covariance[:-1, -1], covariance[:-1, :-1]
    residuals = numpy.array([gain for _, gain in known]) - MEAN * left
    noise = max((noise * factor ** 2 for factor in FLOOR_FACTORS),
                key=lambda one: _log_likelihood(among, one, residuals))
    weights = numpy.linalg.solve(among + noise * numpy.eye(len(known)), cross)
    variance = max(own - weights @ cross, 0.0) + noise
    return float(MEAN * left + weights @ residuals), math.sqrt(variance)


def _log_likelihood(covariance: Array, noise: float, values: Array) -> float:
    """The log marginal likelihood of ``values``, without its constant."""
    whole = covariance + noise * numpy.eye(len(values))
    return float(-0.5 * values @ numpy.linalg.solve(whole, values) -
                 0.5 * numpy.linalg.slogdet(whole)[1])


def _correlation(axes: Sequence[Axis], rows: Array) -> Array:
    """The share of the variance that trainings have in common, pair by pair."""
    total: Array = numpy.full((len(rows), len(rows)), COMMON ** 2)
    for column, axis in enumerate(axes):
        part = STRONG if axis.prior.strong else WEAK if axis.prior.weak else OTHER
        distance = rows[:, column][:, None] - rows[:, column]
        total += part ** 2 * (numpy.exp(-0.5 * (distance / axis.prior.length_scale) ** 2)
                              if axis.ordered else distance == 0)
    return total
