"""Mean per class accuracy, which some data sets' protocols report: large classes count no more than small ones."""

from __future__ import annotations

from typing import Any

import numpy

from paddle_transfer.config.base import MEAN_PER_CLASS


class PerClass:
    """Counts right answers class by class over one evaluation.

    Sources: the class-averaged accuracy of the protocols of Pets, Flowers, Caltech-101 and Aircraft; the same as
    scikit-learn's ``balanced_accuracy_score``.
    """

    def __init__(self):
        self._seen = numpy.zeros(0, dtype="int64")
        self._right = numpy.zeros(0, dtype="int64")

    def add(self, predictions: Any, labels: Any) -> None:
        """A batch of all processes: logits of shape (samples, classes), labels of shape (samples, 1) from 0. Anything
        else (several labels an image, features) is no single-label classification and is passed over."""
        if isinstance(predictions, (list, tuple)) and predictions:
            predictions = predictions[
                0]  # the main classifier; the others (GoogLeNet's) only help in training
        shape = getattr(predictions, "shape", ())
        if len(shape) != 2 or list(labels.shape) != [shape[0], 1] or not shape[0]:
            return
        truth = labels.numpy().reshape(-1)
        answers = predictions.astype("float32").numpy().argmax(axis=1)
        right, truth = truth[(answers == truth) & (truth >= 0)], truth[truth >= 0]
        self._seen = _summed(self._seen, numpy.bincount(truth))
        self._right = _summed(self._right, numpy.bincount(right, minlength=1))

    def value(self) -> float | None:
        """From 0 to 1, over the classes that have images; None when nothing could be counted."""
        right = _summed(self._right, numpy.zeros(len(self._seen), dtype="int64"))
        there = self._seen > 0
        return float((right[there] / self._seen[there]).mean()) if there.any() else None

    def named(self) -> dict[str, float]:
        """The value under its name; empty when there is none."""
        value = self.value()
        return {} if value is None else {MEAN_PER_CLASS: value}


def _summed(a: numpy.ndarray, b: numpy.ndarray) -> numpy.ndarray:
    size = max(len(a), len(b))
    return numpy.pad(a, (0, size - len(a))) + numpy.pad(b, (0, size - len(b)))
