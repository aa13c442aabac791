"""Prior of one hyperparameter: the usual size of its effect, and the length scale of its axis.

Set by hand, from common knowledge and with recorded tables in view (docs/benchmarks/): the
learning rate matters most, smoothly in its logarithm, and new tasks on few images want a large one;
L2 decay hardly matters; augmentations matter a little, about alike at all learning rates. Mixup
asks for a longer training and is left off below 20,000 images by BiT-HyperRule (Kolesnikov et al.
2020). Effects are in log-odds of the metric.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from paddle_transfer.space.hyperparameter import Choice, Hyperparameter, Value, is_number


@dataclass(frozen=True)
class DimensionPrior:
    """Prior of one hyperparameter.

    :param amplitude: standard deviation of its effect, in log-odds
    :param length_scale: of its axis: decades where ``log``, else a share of its width
    :param strong: it is searched first, and others may act differently along it
    :param weak: trainings that differ only in it are nearly the same training, noise included
    :param log: its axis is log10 of the value
    :param peak: where the best value is likely (log10); None: anywhere
    :param curvature: how fast the metric falls from the peak (log-odds per decade squared)
    :param cost: what switching it on usually costs in a short training (log-odds)
    :param risky: it sometimes costs far more
    :param moderates: the strong ones act differently under each of its values
    """

    amplitude: float
    length_scale: float = 0.5
    strong: bool = False
    weak: bool = False
    log: bool = False
    peak: float | None = None
    curvature: float = 0.0
    cost: float = 0.0
    risky: bool = False
    moderates: bool = False


KNOWN = {
    "lr": DimensionPrior(1.2, 1.0, strong=True, log=True, peak=-1.2, curvature=0.35),
    "l2_decay": DimensionPrior(0.04, 2.0, weak=True, log=True),
    "label_smoothing": DimensionPrior(0.10, cost=0.05),
    "mixup": DimensionPrior(0.20, cost=0.1),
    "cutmix": DimensionPrior(0.15, cost=0.1, risky=True),
    "autoaugment": DimensionPrior(0.15, cost=0.1, risky=True),
    "randaugment": DimensionPrior(0.15, cost=0.15, risky=True),
    "cutout": DimensionPrior(0.10, cost=0.05, risky=True),
    "random_erasing": DimensionPrior(0.10, cost=0.05, risky=True),
    "dropout": DimensionPrior(0.10),
    # a new head alone wants a rate ten times as large as all layers do (docs/benchmarks/)
    "strategy": DimensionPrior(0.5, moderates=True),
}

#: Priors of unknown names: with numbers as values, and with other values.
NUMERIC, CATEGORICAL = DimensionPrior(0.5, 0.4), DimensionPrior(0.3)


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
