"""The gain over the fixed point, and how sure it is: for the terminal, the page and the files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from typing import Protocol

from paddle_transfer.loop.results import standard_error
from paddle_transfer.report.formatting import is_accuracy
from paddle_transfer.study.records import Word

#: The trainings of each from which their spread tells its own error well enough.
MANY = 3


class Sureness(Word):
    """Whether the found point is better than the fixed one."""

    SURELY = "surely"
    PROBABLY = "probably"
    LUCK = "luck"  # no more than that may be
    UNKNOWN = "unknown"


class Measured(Protocol):
    """What is known of a point: ``PointResult``, ``RankedPoint``."""

    @property
    def value(self) -> float | None: ...
    @property
    def error(self) -> float | None: ...
    @property
    def images(self) -> int | None: ...
    @property
    def trials(self) -> Sized: ...


@dataclass(frozen=True)
class Gain:
    """What was found minus the fixed point, in units of the metric.

    :param error: the standard error of ``value``; None where nothing is known of it
    :param source: what ``error`` is of: ``seeds`` (both trained with the same ones), ``repeats``,
        ``noise`` (of one training, by the search's model); ``images`` alone; empty: not known
    :param trainings: that either has
    :param images: whose number ``error`` counts as well; None: it does not
    """

    value: float
    error: float | None
    source: str
    trainings: int = 1
    images: int | None = None

    @property
    def sureness(self) -> Sureness:
        """``SURELY`` from two errors on. The error of two trainings is hardly known itself, and
        without further seeds the best of many is the luckiest in part: there from three on."""
        if self.error is None:
            return Sureness.UNKNOWN
        if self.value <= self.error:
            return Sureness.LUCK
        known = self.source in ("seeds", "repeats") and self.trainings >= MANY
        return Sureness.SURELY if self.value > (2 if known else 3) * self.error else (
            Sureness.PROBABLY)

    def as_dict(self) -> dict[str, float | str | int | None]:
        """For ``search_results.json``."""
        return {"value": self.value, "error": self.error, "source": self.source,
                "trainings": self.trainings, "images": self.images, "sure": str(self.sureness)}


def gain_over(fixed: Measured, found: Measured, *, metric: str, by_seed: Sequence[float] = (),
              noise: float | None = None) -> Gain:
    """The gain of ``found``, by the best evidence there is. Both have a value.

    :param by_seed: the gains of one seed each, of ``confirm`` (``gains_by_seed``)
    :param noise: standard deviation of one training, by the search's model
    """
    gain, least = _of_trainings(fixed, found, by_seed, noise), _of_images(fixed, found, metric)
    if least is None:
        return gain
    if gain.error is None:
        return replace(gain, error=least, source="images", images=found.images)
    return replace(gain, error=math.hypot(gain.error, least), images=found.images)


def gains_by_seed(fixed: Mapping[int, float], found: Mapping[int, float]) -> list[float]:
    """The gain with each seed that both were trained with; [] below two.

    Both are seed -> metric.
    """
    gains = [found[seed] - fixed[seed] for seed in found if seed in fixed]
    return gains if len(gains) > 1 else []


def _of_trainings(fixed: Measured, found: Measured, by_seed: Sequence[float],
                  noise: float | None) -> Gain:
    if by_seed:
        return Gain(sum(by_seed) / len(by_seed), standard_error(by_seed), "seeds", len(by_seed))
    value = (found.value or 0.0) - (fixed.value or 0.0)
    count = min(len(found.trials), len(fixed.trials))
    if found.error is not None and fixed.error is not None:
        return Gain(value, math.hypot(found.error, fixed.error), "repeats", count)
    return (Gain(value, None, "", count) if noise is None
            else Gain(value, math.sqrt(2) * noise, "noise", count))


def _of_images(fixed: Measured, found: Measured, metric: str) -> float | None:
    """The error that comes from having only so many images; None where it is not known."""
    if not is_accuracy(metric) or not found.images:
        return None
    # the same images twice: about half of the variance of two independent samples
    variance = sum((one.value or 0.0) * (1.0 - (one.value or 0.0)) for one in (fixed, found))
    return math.sqrt(max(0.0, variance / found.images) / 2)


# -- in words ------------------------------------------------------------------------------------

def gain_text(gain: Gain, metric: str) -> str:
    """``+32.00 ± 12.24 points``; in the metric's own units for what is no accuracy."""
    scale, digits, unit = (100, 2, " points") if is_accuracy(metric) else (1, 4, "")
    error = "" if gain.error is None else f" ± {scale * gain.error:.{digits}f}"
    return f"{scale * gain.value:+.{digits}f}{error}{unit}"


_VERDICTS = {
    Sureness.SURELY: "The found settings are surely better than the fixed ones",
    Sureness.PROBABLY: "The found settings are probably, not surely, better than the fixed ones",
    Sureness.LUCK: "That is no more than luck may give",
    Sureness.UNKNOWN: "Whether that is more than luck is not known"}


def verdict_text(gain: Gain) -> str:
    """Whether the found settings are better, and what the error counts: a sentence."""
    counted = {"seeds": f"{gain.trainings} seeds that both were trained with",
               "repeats": f"{gain.trainings} trainings of each",
               "noise": "the noise of one seed, by the search's model", "images": ""}
    parts = [counted.get(gain.source, ""), f"{gain.images} images" if gain.images else ""]
    told = " and ".join(filter(None, parts))
    return _VERDICTS[gain.sureness] + (f" (± counts {told})." if told else ".")
