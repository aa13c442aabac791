"""The gain over the fixed point, and how sure it is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from paddle_transfer.loop.results import standard_error
from paddle_transfer.loop.saved_ranking import RankedPoint
from paddle_transfer.report.html.data import SearchData


@dataclass(frozen=True)
class Gain:
    """What was found minus the fixed point, in units of the metric.

    :param error: the standard error of ``value``; None where nothing is known of it
    :param source: what ``error`` is of: ``seeds`` (both trained with the same ones), ``repeats``,
        ``noise`` (of one training, by the search's model), each with the number of images that
        both were measured on; ``images``, these alone
    :param trainings: that either has
    """

    value: float
    error: float | None
    source: str
    trainings: int = 1

    @property
    def sure(self) -> bool:
        """Whether it is more than its error."""
        return self.error is not None and self.value > self.error


def gain_of(data: SearchData) -> Gain | None:
    """The gain, by the best evidence there is; None without two different points to compare."""
    best, fixed = data.best, data.baseline
    if best is None or fixed is None or best is fixed:
        return None
    least = _of_images(data, best, fixed)
    gain = _confirmed(data) or _by_trainings(data, best, fixed)
    if gain.error is not None and least is not None:  # seeds tell nothing of other images
        return replace(gain, error=math.hypot(gain.error, least))
    return gain if least is None else replace(gain, error=least, source="images")


def _of_images(data: SearchData, best: RankedPoint, fixed: RankedPoint) -> float | None:
    """The error that comes from having only so many images; None where it is not known."""
    if not data.in_points or not best.images:
        return None
    # the same images twice: about half of the variance of two independent samples
    variance = sum(row.value * (1.0 - row.value) for row in (best, fixed)) / best.images
    return math.sqrt(max(0.0, variance) / 2)


def _by_trainings(data: SearchData, best: RankedPoint, fixed: RankedPoint) -> Gain:
    value, count = best.value - fixed.value, min(len(best.trials), len(fixed.trials))
    if best.error is not None and fixed.error is not None:
        return Gain(value, math.hypot(best.error, fixed.error), "repeats", count)
    noise = (data.told.get("going_on") or {}).get("noise")
    return (Gain(value, None, "", count) if noise is None
            else Gain(value, math.sqrt(2) * noise, "noise", count))


def _confirmed(data: SearchData) -> Gain | None:
    """By the seeds of ``confirm`` that both points were trained with."""
    points: list[dict[str, Any]] = (data.told.get("confirm") or {}).get("points") or []
    fixed = next((one for one in points if one["fixed"]), None)
    if not points or fixed is None or points[0]["fixed"]:
        return None
    found, other = (dict(zip(one["seeds"], one["values"], strict=False))
                    for one in (points[0], fixed))
    gains = [found[seed] - other[seed] for seed in found if seed in other]
    if len(gains) < 2:
        return None
    return Gain(sum(gains) / len(gains), standard_error(gains), "seeds", len(gains))
