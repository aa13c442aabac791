"""What is held of a hyperparameter before any trial: how far its effect reaches, how strong it usually is.

Set by hand, from what is commonly known and with recorded tables in view (docs/benchmarks.md): the learning rate
matters most, smoothly in its logarithm, and new tasks on few images want a large one; L2 decay hardly; augmentations a
little, about alike at all learning rates. Mixup asks for a longer training and is left off below 20,000 images by
BiT-HyperRule (Kolesnikov et al. 2020). Units are log-odds of the metric, and decades for hyperparameters on a
logarithmic axis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from paddle_transfer.space.hyperparameter import Choice, Hyperparameter, is_number


@dataclass(frozen=True)
class DimensionPrior:
    """``amplitude``: the usual size of the effect; ``length``: over how much of its axis (decades, or a share of the
    whole) values stay alike. ``strong``: searched first, others may act differently along it. ``weak``: trainings
    that differ only in it are nearly the same training, noise included. ``peak``: where the best value is likely
    (log10), ``bend``: how fast it falls from there (per decade squared). ``cost``: what switching it on usually costs
    in a short training; ``risky``: sometimes far more."""

    amplitude: float
    length: float = 0.5
    strong: bool = False
    weak: bool = False
    log: bool = False
    peak: float | None = None
    bend: float = 0.0
    cost: float = 0.0
    risky: bool = False


KNOWN = {
    "lr": DimensionPrior(1.2, 1.0, strong=True, log=True, peak=-1.2, bend=0.35),
    "l2_decay": DimensionPrior(0.04, 2.0, weak=True, log=True),
    "label_smoothing": DimensionPrior(0.10, cost=0.05),
    "mixup": DimensionPrior(0.20, cost=0.1),
    "cutmix": DimensionPrior(0.15, cost=0.1, risky=True),
    "autoaugment": DimensionPrior(0.15, cost=0.1, risky=True),
    "randaugment": DimensionPrior(0.15, cost=0.15, risky=True),
    "cutout": DimensionPrior(0.10, cost=0.05, risky=True),
    "random_erasing": DimensionPrior(0.10, cost=0.05, risky=True),
    "dropout": DimensionPrior(0.10),
}

#: For names that are not known: numbers on an axis, and names.
LINE, NAME = DimensionPrior(0.5, 0.4), DimensionPrior(0.3)


@dataclass(frozen=True)
class Axis:
    """One hyperparameter as a column of numbers: a place on a line, or the number of a choice without order."""

    hyperparameter: Hyperparameter
    belief: DimensionPrior
    line: bool

    @property
    def name(self) -> str:
        return self.hyperparameter.name

    def place(self, value) -> float:
        """Where ``value`` stands: log10 of it for a known logarithmic axis, else 0..1, or the choice's number."""
        if not self.line:
            return float(self.hyperparameter.index(value))
        if not self.belief.log:
            return self.hyperparameter.encode(value)[0]
        return math.log10(value) if value > 0 else self._lowest() - 0.5

    def foreign(self, value) -> float | None:
        """As ``place`` for a value of another search's space; None when it means nothing here."""
        if self.line and self.belief.log:
            return self.place(value) if is_number(value) and value >= 0 else None
        return self.place(value) if self.hyperparameter.contains(value) else None

    def _lowest(self) -> float:
        h = self.hyperparameter
        numbers = h.values if isinstance(h, Choice) else (h.low,)
        return min((math.log10(number) for number in numbers if number > 0), default=0.0)


def axis_of(h: Hyperparameter) -> Axis:
    belief = KNOWN.get(h.name)
    if not h.ordered:
        return Axis(h, belief or NAME, line=False)
    low = min(h.values) if isinstance(h, Choice) else h.low
    if belief is not None and belief.log and low < 0:
        belief = None  # not what its name says
    return Axis(h, belief or LINE, line=True)
