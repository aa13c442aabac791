"""The training data of the model: one number per training, on a scale on which effects add up.

Accuracies become log-odds: there the effect of a learning rate or an augmentation is about as large
at an accuracy of 0.3 as at 0.97. Values far below the best are compressed (beyond
``FULL`` their distance grows with its logarithm), so that a hopeless trial does not bend the model
where it matters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy
from numpy.typing import ArrayLike, NDArray

from paddle_transfer.samplers.base import Observation
from paddle_transfer.samplers.gp.curve_extrapolation import Scale, expected_gain
from paddle_transfer.samplers.gp.encoding import Array
from paddle_transfer.samplers.gp.metric_scale import EDGE, log_odds, tail_mean
from paddle_transfer.space.space import Point, Space

#: Distances below the best up to this are not compressed (log-odds).
FULL = 0.6

#: The least distance of a diverged trial below the best, before compression (log-odds).
DIVERGED = 3.0

#: The noise of a training (log-odds), which an extrapolated curve's uncertainty is compared with.
USUAL_NOISE = 0.1

#: The weight of a pruned training whose metric is no proportion.
PRUNED_WEIGHT = 0.25


@dataclass(frozen=True)
class TrainingData:
    """What the model is conditioned on, a row per training.

    :param points: of the trainings
    :param values: of the trainings, to be maximised: log-odds or standardised units
    :param weights: 1 for a whole training, less for a pruned one
    :param seeds: which repeat of its point it is, from 0
    :param best: the largest mean over a point's trainings; distances below it are compressed
    :param slope: the change of the metric per unit of ``values`` at the best training
    :param is_proportion: whether the metric is in 0..1 and ``values`` are log-odds
    :param location: that was subtracted from a metric that is no proportion; ``spread``: its unit
    """

    points: list[Point]
    values: Array
    weights: Array
    seeds: NDArray[numpy.intp]
    best: float
    slope: float
    is_proportion: bool = True
    location: float = 0.0
    spread: float = 1.0

    def metric(self, values: ArrayLike) -> Array:
        """``values``, in units of ``self.values``, as metrics: the compression is undone."""
        below = self.best - numpy.asarray(values, dtype=float)
        expanded = FULL * numpy.exp(numpy.clip(below / FULL - 1.0, 0.0, 4.0))
        whole: Array = self.best - numpy.where(below <= FULL, below, expanded)
        if not self.is_proportion:
            return self.location + self.spread * whole
        return numpy.asarray(1.0 / (1.0 + numpy.exp(-numpy.clip(whole, -500.0, 500.0))))


def training_data(space: Space, results: Sequence[Observation]) -> TrainingData:
    """``results`` (at least one) as training data.

    Pruned trials use the extrapolated final value, weighted by its variance. A point that diverged
    once is worse than anything seen in all of its trainings.
    """
    raw = [tail_mean(o) for o in results if o.state != "diverged"]
    is_proportion = all(0.0 <= value <= 1.0 for value in raw)
    location, spread = (0.0, 1.0) if is_proportion else _location(raw)
    change = log_odds if is_proportion else lambda value: (value - location) / spread
    finals = _final_values(space, results, change, is_proportion)
    keys = [space.key(o.point) for o in results]
    spoilt = {key for key, o in zip(keys, results, strict=True) if o.state == "diverged"}
    good = [finals[id(o)][0] for key, o in zip(keys, results, strict=True) if key not in spoilt]
    best = max(good, default=0.0)
    worst = min([best - DIVERGED, *(value for value, _ in finals.values())])
    top = 1.0 / (1.0 + math.exp(-best))
    told = [(worst, 1.0) if key in spoilt else finals[id(o)]
            for key, o in zip(keys, results, strict=True)]
    values, largest = _compressed(keys, told)
    return TrainingData(
        [o.point for o in results], values,
        numpy.array([weight for _, weight in told]),
        numpy.array([keys[:i].count(key) for i, key in enumerate(keys)], dtype=numpy.intp),
        largest, top * (1.0 - top) if is_proportion else spread, is_proportion, location, spread)


def _compressed(keys: Sequence[str],
                told: Sequence[tuple[float, float]]) -> tuple[Array, float]:
    """The value of each training, and the largest mean of a point.

    Values far below the best are drawn together by the weighted mean over a point's trainings, so
    that one that collapses with another seed counts in full. Differences from that mean shrink by
    the same factor: they tell the noise.
    """
    weighted: dict[str, list[tuple[float, float]]] = {}
    for key, one in zip(keys, told, strict=True):
        weighted.setdefault(key, []).append(one)
    means = numpy.array([sum(value * weight for value, weight in weighted[key])
                         / sum(weight for _, weight in weighted[key]) for key in keys])
    below = means.max() - means
    shrinks = FULL / numpy.maximum(below, FULL)  # the slope of the compression
    values = numpy.array([value for value, _ in told])
    return compress_tail(means) + shrinks * (values - means), float(means.max())


def _final_values(space: Space, results: Sequence[Observation], change: Callable[[float], float],
                  is_proportion: bool) -> dict[int, tuple[float, float]]:
    """(final value, weight) of every result that did not diverge, by the observation's id."""
    finals = {id(o): (change(tail_mean(o)), 1.0) for o in results if o.state != "diverged"}
    complete = [o for o in results if o.state == "complete" and o.curve]
    for o in results:
        if o.state == "pruned" and o.curve and complete:
            finals[id(o)] = _extrapolated_end(space, o, complete) if is_proportion else (
                finals[id(o)][0] + _median_gain(o, complete, change), PRUNED_WEIGHT)
    return finals


def _extrapolated_end(space: Space, pruned: Observation,
                      complete: Sequence[Observation]) -> tuple[float, float]:
    """(extrapolated final log-odds of a pruned training, its weight as a part of a training)."""
    scale = Scale(True)
    share = min(1.0, pruned.curve[-1][0] / max(o.curve[-1][0] for o in complete))
    gain, deviation = expected_gain(space, pruned.point, complete, share, scale=scale)
    return scale.level(pruned.curve) + gain, USUAL_NOISE ** 2 / (USUAL_NOISE ** 2 + deviation ** 2)


def _median_gain(pruned: Observation, complete: Sequence[Observation],
                 change: Callable[[float], float]) -> float:
    """The median gain of finished trials from the pruned one's last epoch on, at least 0."""
    last = pruned.curve[-1][0]
    gains = sorted(change(tail_mean(o)) - change(dict(o.curve)[last])
                   for o in complete if last in dict(o.curve))
    return max(0.0, gains[len(gains) // 2]) if gains else 0.0


def noise_floor(data: TrainingData, eval_size: int | None) -> float:
    """The least noise of one accuracy on ``eval_size`` images, in log-odds: the binomial's.

    All trainings are measured on the same images, so two accuracies differ less than independent
    binomials do (as in McNemar's test): half of the variance is taken.
    """
    if not eval_size or not data.is_proportion:
        return 0.0
    return math.sqrt(0.5 / (eval_size * max(data.slope, EDGE * (1.0 - EDGE))))


def compress_tail(values: Array) -> Array:
    """``values``; distances below the best beyond ``FULL`` grow with their logarithm only."""
    below = values.max() - values
    compressed = FULL * (1.0 + numpy.log(numpy.maximum(below, FULL) / FULL))
    return numpy.asarray(values.max() - numpy.where(below <= FULL, below, compressed))


def _location(raw: Sequence[float]) -> tuple[float, float]:
    """Median and standard deviation (never zero) of metrics that are no proportions."""
    ordered = sorted(raw)
    median, mean = ordered[len(ordered) // 2], sum(ordered) / len(ordered)
    variance = sum((value - mean) ** 2 for value in ordered) / len(ordered)
    return median, math.sqrt(variance) or abs(median) or 1.0
