"""The scale on which metrics are compared: log-odds of the mean over the end of a curve."""

from __future__ import annotations

import math

from paddle_transfer.samplers.base import Observation

#: Accuracies are kept this far from 0 and 1, so that log-odds stay finite.
EDGE = 0.005


def tail_length(count: int) -> int:
    """How many of ``count`` epochs are the end of a training: a tenth. A cosine schedule hardly
    moves there; in a short training the last epoch but one still improves."""
    return max(1, round(count / 10))


def tail_mean(observation: Observation) -> float:
    """The mean of the last tenth of a curve: not optimistic as its best is, and in a long training
    less noisy than one value. The observation's value where there is no curve."""
    finite = [value for _, value in observation.curve if math.isfinite(value)]
    tail = finite[-tail_length(len(finite)):]
    if tail:
        return sum(tail) / len(tail)
    assert observation.value is not None, "an observation without a curve needs a value"
    return float(observation.value)


def log_odds(value: float) -> float:
    """log(p / (1 - p)) of ``value``, which is kept in [EDGE, 1 - EDGE]."""
    value = min(max(value, EDGE), 1.0 - EDGE)
    return math.log(value / (1.0 - value))
