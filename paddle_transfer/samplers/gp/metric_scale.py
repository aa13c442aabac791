"""The scale on which metrics are compared: log-odds of the mean of a curve's end."""

from __future__ import annotations

import math

from paddle_transfer.samplers.base import Observation

#: Accuracies are kept this far from 0 and 1, so that log-odds stay finite.
EDGE = 0.005


def tail_of(count: int) -> int:
    """How many of ``count`` values are the end of a training: a tenth. A cosine schedule hardly moves there; in a short
    training the last but one is still on its way."""
    return max(1, round(count / 10))


def tail_mean(observation: Observation) -> float:
    """The mean of the last tenth of a curve (see ``tail_of``): not flattering as the best is, and in a long training
    less noisy than one value.

    The value itself where there is no curve.
    """
    finite = [value for _, value in observation.curve if math.isfinite(value)]
    tail = finite[-tail_of(len(finite)):]
    return sum(tail) / len(tail) if tail else float(observation.value)


def log_odds(value: float) -> float:
    value = min(max(value, EDGE), 1.0 - EDGE)
    return math.log(value / (1.0 - value))
