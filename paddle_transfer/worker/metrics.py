"""What an evaluation measures: PaddleClas's metrics by name, and mean per class accuracy."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from paddle_transfer.config.base import MEAN_PER_CLASS, METRIC_NAMES
from paddle_transfer.errors import TrialError
from paddle_transfer.predictions import Predictions

if TYPE_CHECKING:
    from paddle import Tensor

    from paddle_transfer.worker.batches import Output


class TopKCounts:
    """Counts the images that PaddleClas's top-k metrics find right.

    Their own averages are 32 bit floats: with another batch size the same share had other digits.
    Later versions also report 1.0 for a k beyond the number of classes; that is left out here.
    """

    def __init__(self) -> None:
        self._right: Counter[tuple[int, str]] = Counter()
        self._seen = 0
        self._classes: int | None = None

    def add(self, metric_func: object, predictions: Output, count: int) -> None:
        """Add the batch of ``count`` images that ``metric_func`` has measured last."""
        self._seen += count
        logits = main_logits(predictions)
        self._classes = None if logits is None else int(logits.shape[-1])
        for i, metric in enumerate(getattr(metric_func, "metric_func_list", ())):
            for name, meter in self._meters(metric):
                self._right[i, name] += round(float(meter.val) * count)

    def values(self, number: int, metric: Any) -> dict[str, float]:
        """The shares that metric ``number`` of the list has measured, from 0 to 1 by name."""
        return {name: self._right[number, name] / self._seen for name, _ in self._meters(metric)}

    def _meters(self, metric: Any) -> list[tuple[str, Any]]:
        if not hasattr(metric, "topk") or not hasattr(metric, "avg_meters"):
            return []
        return [(name, meter) for name, meter in metric.avg_meters.items()
                if self._classes is None or int(name.removeprefix("top")) <= self._classes]


def main_logits(predictions: Output) -> Tensor | None:
    """The answers (samples, classes) of the classifier that counts; None when there is none."""
    main: Any = predictions
    if isinstance(main, (list, tuple)) and main:
        main = main[0]  # the others (GoogLeNet's) only help in training
    if isinstance(main, dict):
        main = main.get("logits")
    return None if isinstance(main, (list, tuple)) else main


def predictions_of(predictions: Output, labels: Tensor) -> list[Predictions]:
    """The answers on a batch; [] where they are no scores of classes, one of which is each label.

    :param labels: (samples, 1)
    """
    logits = main_logits(predictions)
    if logits is None or len(logits.shape) != 2 or list(labels.shape) != [logits.shape[0], 1]:
        return []
    scores, true = logits.astype("float32").numpy(), labels.numpy()[:, 0]
    known = true.size and true.min() >= 0 and true.max() < scores.shape[1]
    return [Predictions.of(scores, true)] if known else []


def metric_values(metric_func: object, top_k: TopKCounts) -> dict[str, float]:
    """All that ``Metric.Eval`` (PaddleClas's ``CombinedMetrics``) measured, by name, in order.

    :raises TrialError: a metric has no value for these images
    """
    values: dict[str, float] = {}
    for i, metric in enumerate(getattr(metric_func, "metric_func_list", ())):
        if hasattr(metric, "attrmeter"):
            measured = dict(zip(METRIC_NAMES["ATTRMetric"], metric.attrmeter.res(), strict=False))
        elif hasattr(metric, "topk") and hasattr(metric, "avg_meters"):
            measured = top_k.values(i, metric)
        elif hasattr(metric, "avg_meters"):
            measured = {name: meter.avg for name, meter in metric.avg_meters.items()}
        else:
            _check_both_kinds(metric)
            _ = getattr(metric, "avg_info", "")  # the text: making it computes the value
            measured = {type(metric).__name__: metric.avg}
        for name, value in measured.items():
            values.setdefault(name, float(value))
    return values


def _check_both_kinds(metric: Any) -> None:
    for kind, scores in (("label 0", "gt_neg_score_list"), ("another label", "gt_pos_score_list")):
        if not getattr(metric, scores, True):
            raise TrialError(f"{type(metric).__name__} has no value: no image of the evaluation "
                             f"has {kind}")


class PerClassAccuracy:
    """Counts correct predictions by class over one evaluation; large classes weigh as small ones.

    Sources: the class-averaged accuracy of the protocols of Pets, Flowers, Caltech-101 and
    Aircraft; the same as scikit-learn's ``balanced_accuracy_score``.
    """

    def __init__(self) -> None:
        self.seen: Counter[int] = Counter()
        self._correct: Counter[int] = Counter()

    def add(self, predictions: Output, labels: Tensor) -> None:
        """Add a batch of all processes: logits (samples, classes), labels (samples, 1) from 0.

        Anything else (several labels an image, features) is passed over.
        """
        if isinstance(predictions, (list, tuple)) and predictions:
            predictions = predictions[0]
        if isinstance(predictions, (list, tuple, dict)) or len(predictions.shape) != 2:
            return
        if list(labels.shape) != [predictions.shape[0], 1]:
            return
        truth = labels.numpy().reshape(-1)
        predicted = predictions.astype("float32").numpy().argmax(axis=1)
        self.seen.update(truth[truth >= 0].tolist())
        self._correct.update(truth[(truth >= 0) & (predicted == truth)].tolist())

    def accuracy(self) -> float:
        """Over all images, from 0 to 1; NaN when nothing could be counted."""
        total = self.seen.total()
        return self._correct.total() / total if total else math.nan

    def value(self) -> float | None:
        """From 0 to 1, over the classes that have images; None when nothing could be counted."""
        shares = [self._correct[label] / count for label, count in sorted(self.seen.items())]
        return float(np.mean(shares)) if shares else None

    def named(self) -> dict[str, float]:
        """The value under its name; empty when there is none."""
        value = self.value()
        return {} if value is None else {MEAN_PER_CLASS: value}
