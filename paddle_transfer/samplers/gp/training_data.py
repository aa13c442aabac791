"""What the model learns from: one number per observation, on a scale on which effects add up.

Accuracies become log-odds: there a change of the learning rate or of an augmentation moves every task by about as
much, near 0.3 as near 0.97. Values far below the best are drawn together (beyond ``FULL`` their distance grows with
its logarithm), so that a hopeless trial does not bend the model where it matters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from paddle_transfer.samplers.base import Observation
from paddle_transfer.samplers.gp.curve_extrapolation import Scale, expected_gain
from paddle_transfer.samplers.gp.metric_scale import EDGE, log_odds, tail_mean
from paddle_transfer.space.space import Point, Space

#: How far below the best a value counts in full, in log-odds.
FULL = 0.6

#: How far below the best a diverged trial is put at least, in log-odds, before drawing together.
DIVERGED = 3.0


#: The noise of a training (log-odds) that what a pruned curve foretells is compared with.
USUAL = 0.1

#: As what part of a training a pruned one counts whose metric is no share.
PART = 0.25


@dataclass(frozen=True)
class TrainingData:
    """``points`` each once, ``values`` (log-odds or standardised units, to be maximised) and ``repeats`` of each;
    ``slope`` is the change of the metric per unit at the best point; ``middle`` and ``spread`` make metrics of
    standardised units, where these are no log-odds (``is_proportion``)."""

    points: list[Point]
    values: numpy.ndarray
    repeats: numpy.ndarray
    slope: float
    is_proportion: bool = True
    middle: float = 0.0
    spread: float = 1.0

    def metric(self, values):
        """``values``, in units of ``self.values``, as metrics: what drew them together is undone."""
        import numpy
        best = self.values.max()
        below = best - numpy.asarray(values, dtype=float)
        apart = FULL * numpy.exp(numpy.clip(below / FULL - 1.0, 0.0, 4.0))
        whole = best - numpy.where(below <= FULL, below, apart)
        return 1.0 / (1.0 +
                      numpy.exp(-numpy.clip(whole, -500.0, 500.0))) if self.is_proportion else (
                          self.middle + self.spread * whole)


def valid_observations(space: Space, finished: Sequence[Observation]) -> list[Observation]:
    """The observations that say something about their point: a finite value, or a divergence."""
    return [o for o in finished if space.contains(o.point) and o.state != "failed" and (
        o.state == "diverged" or (o.value is not None and math.isfinite(o.value)))]


def learn_from(space: Space, results: Sequence[Observation]) -> TrainingData:
    """``results`` (at least one) as the model wants them; repeats of a point are averaged.

    A pruned trial counts as what its curve foretells (``gains``), and as a part of a training only, as far as that is
    less certain than a training's own end; a diverged one as worse than anything seen.
    """
    import numpy
    raw = [tail_mean(o) for o in results if o.state != "diverged"]
    odds = all(0.0 <= value <= 1.0 for value in raw)
    middle, spread = (0.0, 1.0) if odds else _location(raw)
    change = log_odds if odds else lambda value: (value - middle) / spread
    groups: dict[str, list[Observation]] = {}
    for observation in results:
        groups.setdefault(space.key(observation.point), []).append(observation)
    finals = {id(o): (change(tail_mean(o)), 1.0) for o in results if o.state != "diverged"}
    complete = [o for o in results if o.state == "complete" and o.curve]
    for o in results:
        if o.state == "pruned" and o.curve and complete:
            finals[id(o)] = _extrapolated_end(space, o, complete) if odds else (
                finals[id(o)][0] + _still_to_come(o, complete, change), PART)
    means = [
        _mean([finals[id(o)]
               for o in group]) if all(o.state != "diverged"
                                       for o in group) else None
        for group in groups.values()
    ]
    best = max((mean[0] for mean in means if mean), default=0.0)
    worst = min([best - DIVERGED, *(value for value, _ in finals.values())])
    top = 1.0 / (1.0 + math.exp(-best))
    return TrainingData(
        [group[0].point for group in groups.values()],
        compress_tail(numpy.array([mean[0] if mean else worst for mean in means])),
        numpy.array(
            [mean[1] if mean else len(group) for mean, group in zip(means, groups.values())],
            dtype=float),
        top * (1.0 - top) if odds else spread, odds, middle, spread)


def _mean(weighed: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """(mean, sum of weights) of values with their weights."""
    total = sum(weight for _, weight in weighed)
    return sum(value * weight for value, weight in weighed) / total, total


def _extrapolated_end(space: Space, pruned: Observation,
                      complete: Sequence[Observation]) -> tuple[float, float]:
    """(log-odds in which a pruned training would have ended, the part of a training that this counts as)."""
    scale = Scale(True)
    share = min(1.0, pruned.curve[-1][0] / max(o.curve[-1][0] for o in complete))
    gain, deviation = expected_gain(space, pruned.point, complete, share, scale=scale)
    return scale.level(pruned.curve) + gain, USUAL ** 2 / (USUAL ** 2 + deviation ** 2)


def noise_floor(data: TrainingData, eval_size: int | None) -> float:
    """The least noise of one accuracy on ``eval_size`` images, in log-odds, from the binomial distribution.

    All trainings are measured on the same images, and what is hard for one is hard for the other: two accuracies
    differ by less than the two binomials would (McNemar's point), and half of the variance is taken.
    """
    if not eval_size or not data.is_proportion:
        return 0.0
    return math.sqrt(0.5 / (eval_size * max(data.slope, EDGE * (1.0 - EDGE))))


def compress_tail(values):
    """Distances below the best beyond ``FULL`` grow with their logarithm only."""
    import numpy
    below = values.max() - values
    return values.max() - numpy.where(below <= FULL, below,
                                      FULL * (1.0 + numpy.log(numpy.maximum(below, FULL) / FULL)))


def _location(raw: Sequence[float]) -> tuple[float, float]:
    """Median and spread of metrics that are no shares; the spread is never zero."""
    ordered = sorted(raw)
    middle = ordered[len(ordered) // 2]
    mean = sum(ordered) / len(ordered)
    return middle, math.sqrt(sum(
        (value - mean) ** 2 for value in ordered) / len(ordered)) or abs(middle) or 1.0


def _still_to_come(pruned: Observation, complete: Sequence[Observation], change) -> float:
    """The median gain of finished trials from the pruned one's last epoch to their end, never below 0."""
    if not pruned.curve:
        return 0.0
    last = pruned.curve[-1][0]
    gains = sorted(
        change(tail_mean(o)) - change(dict(o.curve)[last])
        for o in complete
        if last in dict(o.curve))
    return max(0.0, gains[len(gains) // 2]) if gains else 0.0
