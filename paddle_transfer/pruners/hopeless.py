"""Whether a trial is almost surely not to come near the best finished one.

Two things predict where a trial ends: its curve so far with its extrapolated gain, and the model's
prediction for its point. A Bayesian search proposes few hopeless points: stopping more saves little
and may lose the winner.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from paddle_transfer.samplers.base import Observation
from paddle_transfer.samplers.common import valid_observations
from paddle_transfer.samplers.gp import encoding
from paddle_transfer.samplers.gp.curve_extrapolation import expected_gain, scale_of
from paddle_transfer.samplers.gp.hyperprior import Hyperprior
from paddle_transfer.samplers.gp.metric_scale import tail_mean
from paddle_transfer.samplers.gp.model import model_of
from paddle_transfer.samplers.gp.threads import one_thread
from paddle_transfer.space.space import Point, Space

#: No trial is stopped before this share of its epochs, nor after that one: then little is saved,
#: and what learned with a large rate gains most while the rate falls to its end,
EARLIEST, LATEST = 0.33, 0.75

#: nor unless the probability that it ends above the best one, or less than ``TOLERANCE`` (log-odds:
#: about one point at an accuracy of 0.88, the noise of a training) below it, is less than this.
CHANCE, TOLERANCE = 0.002, 0.1

#: What few whole trainings say of another's end is doubted: the deviation grows by this share, over
#: their number. Set on recorded tables and public records (docs/benchmarks/pruning.md).
FEW = 4.0

#: A training that fell by more than this (log-odds) says nothing of another's gain: its own best
#: epoch came before.
COLLAPSE = 1.0

#: The multiple of the model's variance that counts, and the noise of a training (log-odds).
DOUBT, NOISE = 2.0, 0.1


@one_thread()
def is_hopeless(space: Space, trial: Observation, finished: Sequence[Observation], *,
                epochs: int, hyperprior: Hyperprior | None = None) -> bool:
    """Whether curve and model together leave ``trial`` less than ``CHANCE``; False before one whole
    training is finished."""
    results = valid_observations(space, finished)
    whole = [o for o in results if o.state == "complete"
             and any(math.isfinite(value) for _, value in o.curve)]
    curve = [(epoch, value) for epoch, value in trial.curve if math.isfinite(value)]
    if not whole or not curve or not space.contains(trial.point):
        return False
    share = curve[-1][0] / epochs
    scale = scale_of(whole, curve)
    if scale is None or not EARLIEST <= share <= LATEST:
        return False
    steady = [o for o in whole if (scale.gain(o, share) or 0.0) > -COLLAPSE * scale.unit]
    gain, deviation = expected_gain(space, trial.point, steady, share, scale=scale)
    end, tolerance = scale.level(curve) + gain, TOLERANCE * scale.unit
    best = max(scale(tail_mean(o)) for o in whole)
    if chance(end, deviation * (1.0 + FEW / len(whole)), above=best - tolerance) > CHANCE:
        return False  # most calls end here, in a millisecond
    if not scale.is_proportion:
        return True  # the model has another scale
    return _chance_with_model(space, trial.point, results, whole, end=end, deviation=deviation,
                              hyperprior=hyperprior) <= CHANCE


def chance(mean: float, deviation: float, *, above: float) -> float:
    """The probability (0..1) that a normal number exceeds ``above``."""
    return 0.5 * math.erfc((above - mean) / (deviation * math.sqrt(2.0)))


def _chance_with_model(space: Space, point: Point, results: Sequence[Observation],
                       whole: Sequence[Observation], *, end: float, deviation: float,
                       hyperprior: Hyperprior | None) -> float:
    """The probability that a trial with the extrapolated ``end`` ends near the best point's
    posterior mean."""
    model = model_of(space, results, hyperprior=hyperprior)
    winner = float(model.mean(encoding.matrix(model.axes, [o.point for o in whole])).max())
    row = encoding.matrix(model.axes, [point])
    means, deviations = model.predict(row)
    own = float(model.weights @ means[:, 0])
    spread = float(model.weights @ (deviations[:, 0] ** 2 + means[:, 0] ** 2)) - own ** 2
    variance = DOUBT * spread + NOISE ** 2
    trust = variance / (variance + deviation ** 2)  # in the curve
    return chance(trust * end + (1.0 - trust) * own, math.sqrt(trust) * deviation,
                  above=winner - TOLERANCE)
