"""Simple statistics of a learning-rate range test, each the decadic logarithm of a rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

#: A loss counts as no more than so many times the mean of the first decade, a diverged one, too:
#: one spike must not move the minimum of its neighbours.
CAP = 3.0
#: Decades to both sides over which the loss is averaged.
REACH = 0.3

Numbers = NDArray[numpy.float64]


@dataclass(frozen=True)
class Curve:
    """A smoothed range test. ``logs`` are decadic logarithms of the rates, ``start`` is the mean
    loss of the first decade."""

    logs: Numbers
    losses: Numbers
    start: float

    @property
    def lowest(self) -> int:
        return int(self.losses.argmin())


def smoothed(rates: Sequence[float], losses: Sequence[float | None]) -> Curve:
    """The curve with every loss averaged over ``REACH`` decades to both sides."""
    logs = numpy.log10(numpy.asarray(rates, dtype=float))
    values = numpy.array([math.inf if loss is None else loss for loss in losses])
    start = float(values[logs <= logs[0] + 1].mean())
    values = numpy.minimum(values, CAP * start)
    near = numpy.abs(logs[:, None] - logs) <= REACH + 1e-9
    return Curve(logs, (near * values).sum(axis=1) / near.sum(axis=1), start)


# -- statistics: each a decadic logarithm of a rate ------------------------------------------------


def minimum(curve: Curve) -> float:
    """Where the loss is least."""
    return float(curve.logs[curve.lowest])


def steepest(curve: Curve) -> float:
    """Where it falls fastest on the way to its minimum."""
    slopes = numpy.gradient(curve.losses, curve.logs)[:curve.lowest + 1]
    return float(curve.logs[int(slopes.argmin())])


def fallen(share: float) -> Callable[[Curve], float]:
    """From where on it stays below the start by a share of the whole descent, until its minimum."""
    def statistic(curve: Curve) -> float:
        low = curve.losses[curve.lowest]
        above = curve.losses[:curve.lowest] > curve.start - share * (curve.start - low)
        last = numpy.flatnonzero(above)
        return float(curve.logs[last[-1] + 1 if len(last) else 0])
    return statistic


def _largest_until(curve: Curve, limit: float) -> float:
    beyond = numpy.flatnonzero(curve.losses[curve.lowest:] > limit)
    return float(curve.logs[curve.lowest + beyond[0] - 1 if len(beyond) else -1])


def before_start(curve: Curve) -> float:
    """The largest rate, after the minimum, before the loss is above its start again."""
    return _largest_until(curve, curve.start)


def before_rise(curve: Curve) -> float:
    """The largest rate before the loss is above 1.3 times its minimum."""
    return _largest_until(curve, 1.3 * float(curve.losses[curve.lowest]))


def between(curve: Curve) -> float:
    """The middle, of logarithms, between half of the descent and ``before_start``."""
    return (fallen(0.5)(curve) + before_start(curve)) / 2


def valley(curve: Curve) -> float:
    """The middle of the longest fall (fastai's default: as many steps as its longest falling
    subsequence has, up to the end of that)."""
    length = [1] * len(curve.losses)
    for j in range(len(length)):
        for i in range(j):
            if curve.losses[i] > curve.losses[j] + 1e-9:
                length[j] = max(length[j], length[i] + 1)
    end = int(numpy.argmax(length))
    return float(curve.logs[end + 1 - (length[end] + 1) // 2])


STATISTICS: Mapping[str, Callable[[Curve], float]] = {
    "steepest descent": steepest, "a tenth of the descent": fallen(0.1),
    "half of the descent": fallen(0.5), "nine tenths of the descent": fallen(0.9),
    "minimum": minimum, "minimum / 10": lambda curve: minimum(curve) - 1,
    "last below the start": before_start, "last below 1.3 minimum": before_rise,
    "half descent to start": between, "valley": valley}
