"""How the best network answers on the validation images, from ``best_predictions.npz``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy

from paddle_transfer.predictions import FILE, Predictions
from paddle_transfer.report.html.data import SearchData
from paddle_transfer.report.html.dataset import Dataset
from paddle_transfer.report.html.figures.winner import Bin, ClassResult
from paddle_transfer.report.html.pictures import Picture, picture

#: Bins of the reliability diagram: those of Guo et al., and fewer for few images.
BINS, IMAGES_A_BIN = 15, 20
#: How many pairs of confused classes, and pictures of mistakes; their size in px.
PAIRS, PICTURES, SIZE = 15, 18, 128


@dataclass(frozen=True)
class Mistake:
    """An image with a wrong answer.

    :param image: None where the list has changed since
    :param confidence: in ``answered``; ``own``: in ``true``; both 0..1
    """

    image: Picture | None
    true: str
    answered: str
    confidence: float
    own: float


@dataclass(frozen=True)
class Winner:
    """The answers of the best network on the validation list.

    :param names: of the classes by their numbers
    :param files: of the images in the order of ``answers``; () where the list has changed since
    """

    answers: Predictions
    names: tuple[str, ...]
    files: tuple[str, ...] = ()

    @property
    def right(self) -> numpy.ndarray:
        made: numpy.ndarray = self.answers.classes[:, 0] == self.answers.labels
        return made

    @property
    def accuracy(self) -> float:
        return float(self.right.mean())

    def matrix(self) -> list[list[int]]:
        """[true class][answer] -> how many images."""
        count = len(self.names)
        made = numpy.zeros((count, count), dtype=int)
        numpy.add.at(made, (self.answers.labels, self.answers.classes[:, 0]), 1)
        return [[int(number) for number in row] for row in made]

    def pairs(self) -> list[tuple[str, str, int, int]]:
        """The most confused classes: (true, answered, images, images of the true class)."""
        labels = [int(label) for label in self.answers.labels]
        answers = [int(answer) for answer in self.answers.classes[:, 0]]
        seen = Counter(labels)
        confused = Counter(pair for pair in zip(labels, answers, strict=True)
                           if pair[0] != pair[1])
        return [(self.names[true], self.names[answer], count, seen[true])
                for (true, answer), count in confused.most_common(PAIRS)]

    def classes(self) -> list[ClassResult]:
        """Each class that has images."""
        seen = Counter(int(label) for label in self.answers.labels)
        right = Counter(int(label) for label in self.answers.labels[self.right])
        return [ClassResult(self.names[label], seen[label], right[label])
                for label in sorted(seen)]

    def never(self) -> tuple[list[str], list[str]]:
        """The classes with images that are never answered, and the others that are never answered
        rightly; those with the most images first."""
        answered = {self.names[int(answer)] for answer in self.answers.classes[:, 0]}
        failed = sorted((one for one in self.classes() if not one.right),
                        key=lambda one: -one.count)
        return ([one.name for one in failed if one.name not in answered],
                [one.name for one in failed if one.name in answered])

    def bins(self) -> list[Bin]:
        """Of equal width, by the confidence in the answer."""
        confidence = self.answers.probabilities[:, 0].astype(float)
        count = max(5, min(BINS, len(confidence) // IMAGES_A_BIN))
        place = numpy.minimum((confidence * count).astype(int), count - 1)
        made = []
        for i in range(count):
            mine = place == i
            some = bool(mine.any())
            made.append(Bin(i / count, (i + 1) / count, int(mine.sum()),
                            float(confidence[mine].mean()) if some else 0.0,
                            float(self.right[mine].mean()) if some else 0.0))
        return made

    def mistakes(self) -> list[Mistake]:
        """At most ``PICTURES`` wrong answers, the most confident first."""
        wrong = numpy.flatnonzero(~self.right)
        order = wrong[numpy.argsort(-self.answers.probabilities[wrong, 0], kind="stable")]
        return [Mistake(picture(self.files[i], SIZE) if self.files else None,
                        self.names[self.answers.labels[i]],
                        self.names[self.answers.classes[i, 0]],
                        float(self.answers.probabilities[i, 0]), float(self.answers.own[i]))
                for i in order[:PICTURES]]


def calibration_error(bins: Sequence[Bin]) -> float:
    """The expected calibration error, 0..1: the mean distance of confidence and accuracy over the
    images (Guo et al. 2017, On Calibration of Modern Neural Networks)."""
    total = sum(one.count for one in bins)
    return sum(one.count * abs(one.accuracy - one.confidence) for one in bins) / max(1, total)


def read_winner(data: SearchData, dataset: Dataset) -> Winner | None:
    """The answers of the network in ``best_model.pdparams``; None where there are none: the metric
    is not one of single classes, or an earlier version trained it."""
    answers = Predictions.read(data.output_dir / FILE)
    if answers is None:
        return None
    highest = 1 + int(max(answers.labels.max(), answers.classes.max()))
    names = tuple(dataset.class_name(label) for label in range(highest))
    split = dataset.splits.get("val")
    same = split is not None and [row.label for row in split.rows] == answers.labels.tolist()
    return Winner(answers, names, tuple(split.paths) if split is not None and same else ())
