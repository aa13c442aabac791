"""What an evaluation measures: PaddleClas's metrics by name, and mean per class accuracy."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from paddle_transfer.config.base import MEAN_PER_CLASS, METRIC_NAMES

if TYPE_CHECKING:
    from paddle import Tensor


def metric_values(metric_func: object) -> dict[str, float]:
    """All that ``Metric.Eval`` (PaddleClas's ``CombinedMetrics``) measured, by name, in order."""
    values: dict[str, float] = {}
    for metric in getattr(metric_func, "metric_func_list", ()):
        if hasattr(metric, "attrmeter"):
            measured = dict(zip(METRIC_NAMES["ATTRMetric"], metric.attrmeter.res(), strict=False))
        elif hasattr(metric, "avg_meters"):
            measured = {name: meter.avg for name, meter in metric.avg_meters.items()}
        else:
            measured = {type(metric).__name__: metric.avg}
        for name, value in measured.items():
            values.setdefault(name, float(value))
    return values


class PerClassAccuracy:
    """Counts correct predictions by class over one evaluation; large classes weigh as small ones.

    Sources: the class-averaged accuracy of the protocols of Pets, Flowers, Caltech-101 and
    Aircraft; the same as scikit-learn's ``balanced_accuracy_score``.
    """

    def __init__(self) -> None:
        self.seen: Counter[int] = Counter()
        self._correct: Counter[int] = Counter()

    def add(self, predictions: Tensor | list[Tensor] | dict[str, Tensor], labels: Tensor) -> None:
        """Add a batch of all processes: logits (samples, classes), labels (samples, 1) from 0.

        Anything else (several labels an image, features) is passed over.
        """
        if isinstance(predictions, (list, tuple)) and predictions:
            predictions = predictions[0]  # the others (GoogLeNet's) only help in training
        if isinstance(predictions, (list, tuple, dict)) or len(predictions.shape) != 2:
            return
        if list(labels.shape) != [predictions.shape[0], 1]:
            return
        truth = labels.numpy().reshape(-1)
        predicted = predictions.astype("float32").numpy().argmax(axis=1)
        self.seen.update(truth[truth >= 0].tolist())
        self._correct.update(truth[(truth >= 0) & (predicted == truth)].tolist())

    def value(self) -> float | None:
        """From 0 to 1, over the classes that have images; None when nothing could be counted."""
        shares = [self._correct[label] / count for label, count in sorted(self.seen.items())]
        return float(np.mean(shares)) if shares else None

    def named(self) -> dict[str, float]:
        """The value under its name; empty when there is none."""
        value = self.value()
        return {} if value is None else {MEAN_PER_CLASS: value}
