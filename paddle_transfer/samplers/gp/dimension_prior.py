"""One hyperparameter as an axis of the model: what its name says of it.

Amplitudes are the usual sizes of effects, in log-odds of the metric. They were set by hand; every
search lets each of them vary (``hyperprior``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from paddle_transfer.space.hyperparameter import Choice, Hyperparameter, Value, is_number


@dataclass(frozen=True)
class DimensionPrior:
    """What is known of one hyperparameter.

    :param amplitude: standard deviation of its effect, in log-odds
    :param length_scale: of its axis: decades where ``log``, else a share of its width
    :param strong: it is searched first, and others may act differently along it
    :param weak: trainings that differ only in it are nearly the same training, noise included
    :param log: its axis is log10 of the value
    :param moderates: the best value of the strong ones differs between its values
    """

    amplitude: float
    length_scale: float = 0.5
    strong: bool = False
    weak: bool = False
    log: bool = False
    moderates: bool = False


KNOWN = {
    "lr": DimensionPrior(1.0, 1.0, strong=True, log=True),
    "l2_decay": DimensionPrior(0.04, 2.0, weak=True, log=True),
    **{name: DimensionPrior(0.12) for name in (
        "label_smoothing", "mixup", "cutmix", "autoaugment", "randaugment", "cutout",
        "random_erasing", "dropout")},
    # a new head alone wants a rate ten times as large as all layers do (docs/benchmarks/), Adam a
    # tenth of SGD's, and a network that was hardly trained a larger one than ImageNet's weights
    **{name: DimensionPrior(0.4, moderates=True) for name in ("strategy", "pretrained",
                                                              "optimizer")},
}

#: Of unknown names: with numbers as values, and with other values.
NUMERIC, CATEGORICAL = DimensionPrior(0.4, 0.4), DimensionPrior(0.3)


@dataclass(frozen=True)
class Axis:
    """One hyperparameter as a column of numbers: positions on an axis (``ordered``), or indices of
    choices."""

    hyperparameter: Hyperparameter
    prior: DimensionPrior
    ordered: bool

    @property
    def name(self) -> str:
        """The hyperparameter's name."""
        return self.hyperparameter.name

    @property
    def is_rate(self) -> bool:
        """Whether accuracy is expected to fall on both sides of one best value."""
        return self.ordered and self.prior.strong and self.prior.log

    def coordinate(self, value: Value) -> float:
        """The number for ``value``: log10 on a known logarithmic axis, else 0..1; or the choice's
        index."""
        if not self.ordered:
            return float(self.hyperparameter.index(value))
        if not self.prior.log:
            return self.hyperparameter.encode(value)[0]
        return math.log10(value) if value > 0 else self._lowest() - 0.5

    def foreign_coordinate(self, value: Value) -> float | None:
        """As ``coordinate`` for a value of another search's space; None when it has no meaning
        here."""
        if self.ordered and self.prior.log:
            return self.coordinate(value) if is_number(value) and value >= 0 else None
        return self.coordinate(value) if self.hyperparameter.contains(value) else None

    def ends(self) -> tuple[float, float]:
        """The coordinates of the smallest and the largest value of an ordered axis."""
        h = self.hyperparameter
        low, high = (min(h.values), max(h.values)) if isinstance(h, Choice) else (h.low, h.high)
        return self.coordinate(low), self.coordinate(high)

    def _lowest(self) -> float:
        """log10 of the smallest positive value."""
        h = self.hyperparameter
        numbers = h.values if isinstance(h, Choice) else (h.low,)
        return min((math.log10(number) for number in numbers if number > 0), default=0.0)


def axis_of(h: Hyperparameter) -> Axis:
    """The axis of a hyperparameter, with the prior that its name has in ``KNOWN``."""
    prior = KNOWN.get(h.name)
    if not h.ordered:
        return Axis(h, prior or CATEGORICAL, ordered=False)
    low = min(h.values) if isinstance(h, Choice) else h.low
    if prior is not None and prior.log and low < 0:
        prior = None  # not what its name says
    return Axis(h, prior or NUMERIC, ordered=True)
