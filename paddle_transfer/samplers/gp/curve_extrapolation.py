"""What a training still gains from an epoch to its end, told by the trainings that are finished.

A training at one of its early epochs gains more the less of its schedule is over, and large learning rates gain
late: under a cosine schedule they look bad until the rate falls, as do mixup and label smoothing. So gains are a
Gaussian process over the hyperparameters, with a prior so wide that a finished training at another learning rate
does not settle the matter. Its numbers were set by hand on small numpy networks and recorded tables.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from paddle_transfer.samplers.base import Observation
from paddle_transfer.samplers.gp import encoding
from paddle_transfer.samplers.gp.dimension_prior import Axis, axis_of
from paddle_transfer.samplers.gp.metric_scale import log_odds, tail_mean
from paddle_transfer.space.space import Point, Space

Curve = Sequence[tuple[int, float]]

#: Before any training: mean and standard deviation of the gain when the whole schedule is still to come, in units of
#: the scale. Both fall with the ``POWER``-th power of the share that is left.
MEAN, SPREAD, POWER = 1.0, 0.9, 2.5
#: What no training foretells of another, at any epoch; where trainings are few and fluctuate it is more, and these
#: multiples are tried on the finished ones.
FLOOR, ROUGHER = 0.08, (1.0, 2.0, 4.0)

#: Parts of the spread: common to all trainings, and along one axis (strong, weak and other ones, see ``beliefs``).
COMMON, STRONG, WEAK, OTHER = 0.6, 0.8, 0.1, 0.4


@dataclass(frozen=True)
class Scale:
    """``unit`` is one log-odds for shares (0..1); for other metrics, which stay as they are, the most that a whole
    training gained after its first epoch."""

    odds: bool
    unit: float = 1.0

    def __call__(self, value: float) -> float:
        return log_odds(value) if self.odds else value

    def level(self, curve: Curve) -> float:
        """How far a curve has come: its best value, since a dip of a large learning rate is no verdict."""
        return max(self(value) for _, value in curve if math.isfinite(value))

    def gain(self, whole: Observation, share: float) -> float | None:
        """What a whole training gained after ``share`` (0..1) of its epochs, below 0 when it fell; None when its
        curve does not tell."""
        until = max(1, round(share * whole.curve[-1][0]))
        begun = [(epoch, value)
                 for epoch, value in whole.curve
                 if epoch <= until and math.isfinite(value)]
        return self(tail_mean(whole)) - self.level(begun) if begun else None


def scale_of(whole: Sequence[Observation], curve: Curve) -> Scale | None:
    """The scale for these trainings; None while too little is known of a metric that is no share."""
    values = [
        value for c in [curve, *(o.curve for o in whole)] for _, value in c if math.isfinite(value)
    ]
    if all(0.0 <= value <= 1.0 for value in values):
        return Scale(True)
    plain = Scale(False)
    rises = [plain.gain(o, 0.0) or 0.0 for o in whole]
    return Scale(False, max(rises)) if len(rises) >= 3 and max(rises) > 0 else None


def expected_gain(space: Space, point: Point, whole: Sequence[Observation], share: float, *,
                  scale: Scale) -> tuple[float, float]:
    """Mean and standard deviation of what ``point`` still gains after ``share`` (0..1) of its epochs.

    :param whole: trainings that were not stopped, with their curves
    """
    import numpy

    told = [(o.point, gain) for o in whole if (gain := scale.gain(o, share)) is not None]
    axes = tuple(axis_of(h) for h in space.hyperparameters)
    left = (1.0 - share) ** POWER * scale.unit
    noise = (FLOOR * scale.unit) ** 2
    # Trainings that start later than any that this prior knows (a warmup, another schedule) make it as much wider.
    most = max((abs(gain) for _, gain in told), default=0.0)
    left *= max(1.0, most / ((MEAN + SPREAD) * left + math.sqrt(noise)))
    rows = encoding.matrix(axes, [*(known for known, _ in told), point])
    covariance = (SPREAD * left) ** 2 * _alike(axes, rows)
    own, with_told, among = covariance[-1, -1], covariance[:-1, -1], covariance[:-1, :-1]
    surprise = numpy.array([gain for _, gain in told]) - MEAN * left
    noise = max((noise * factor ** 2 for factor in ROUGHER),
                key=lambda one: _evidence(among, one, surprise))
    weights = numpy.linalg.solve(among + noise * numpy.eye(len(told)), with_told)
    return float(MEAN * left +
                 weights @ surprise), math.sqrt(max(own - weights @ with_told, 0.0) + noise)


def _evidence(covariance, noise: float, values) -> float:
    """The logarithm of the likelihood of ``values``, without its constant."""
    import numpy
    whole = covariance + noise * numpy.eye(len(values))
    return float(-0.5 * values @ numpy.linalg.solve(whole, values) -
                 0.5 * numpy.linalg.slogdet(whole)[1])


def _alike(axes: Sequence[Axis], rows):
    """How much of the spread trainings share, pair by pair."""
    import numpy
    total = numpy.full((len(rows), len(rows)), COMMON ** 2)
    for column, axis in enumerate(axes):
        part = STRONG if axis.belief.strong else WEAK if axis.belief.weak else OTHER
        distance = rows[:, column][:, None] - rows[:, column]
        near = numpy.exp(-0.5 *
                         (distance / axis.belief.length) ** 2) if axis.line else distance == 0
        total += part ** 2 * near
    return total
