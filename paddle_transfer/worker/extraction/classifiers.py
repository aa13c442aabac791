"""scikit-learn's classifiers on features: fitted, and as scores of all classes.

Features are float arrays (images, d), labels whole numbers (images,) below the number of classes.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from paddle_transfer.errors import TrialError
from paddle_transfer.strategies.feature_extraction import FeatureExtractionOptions

Features = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]

#: Steps of the solver of the logistic regression; it ends earlier when it has converged.
MOST_STEPS = 2000
#: A class without neighbours has this share of the votes, of which the logarithm is taken.
NO_VOTE = 1e-6
#: A class without training images is this far below the others' lowest score.
NEVER = 10.0


@dataclass(frozen=True)
class Affine:
    """Scores ``features @ weight + bias``.

    :param weight: (d, classes)
    :param bias: (classes,)
    """

    weight: NDArray[np.float64]
    bias: NDArray[np.float64]

    def scores(self, features: Features) -> NDArray[np.float64]:
        """(images, classes); the larger, the likelier."""
        made: NDArray[np.float64] = features @ self.weight + self.bias
        return made


@dataclass(frozen=True)
class Neighbours:
    """Logarithms of the shares of the nearest training images' votes; a nearer one's counts more,
    by 1 / distance.

    :param examples: (training images, d), scaled
    :param labels: of these
    :param mean: (d,) what is taken from features before they are divided by ``scale`` (d,)
    """

    examples: NDArray[np.float32]
    labels: Labels
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    count: int
    classes: int

    def scores(self, features: Features) -> NDArray[np.float64]:
        """(images, classes); their softmax is the share of the votes."""
        model = KNeighborsClassifier(min(self.count, len(self.labels)), weights="distance",
                                     algorithm="brute")
        model.fit(self.examples, self.labels)
        shares = np.full((len(features), self.classes), NO_VOTE)
        scaled = ((features - self.mean) / self.scale).astype(np.float32)
        shares[:, model.classes_] += model.predict_proba(scaled)
        made: NDArray[np.float64] = np.log(shares)
        return made


Classifier = Affine | Neighbours


def fit(features: Features, labels: Labels, *, classes: int,
        options: FeatureExtractionOptions) -> Classifier:
    """The classifier that ``options`` name, fitted; the same for every seed of a training.

    :raises TrialError: there is one class only, a label beyond ``classes``, or a feature that is no
        number
    """
    _check(features, labels, classes)
    scaler = StandardScaler(with_mean=options.standardize, with_std=options.standardize)
    scaled = scaler.fit_transform(np.asarray(features, dtype=np.float64))
    mean = np.zeros(scaled.shape[1]) if scaler.mean_ is None else scaler.mean_
    scale = np.ones(scaled.shape[1]) if scaler.scale_ is None else scaler.scale_
    if options.classifier == "knn":
        return Neighbours(scaled.astype(np.float32), np.asarray(labels), mean, scale,
                          options.neighbors, classes)
    if options.classifier == "linear_svm":
        # with fewer images than features the dual problem takes a small part of the time
        model: Any = LinearSVC(C=options.strength, dual="auto", random_state=0)
    else:
        model = LogisticRegression(C=options.strength, max_iter=MOST_STEPS)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(scaled, labels)
    for _ in caught[:1]:
        print("paddle_transfer: the classifier has not converged; a smaller strength does",
              flush=True)
    return _unscaled(_all_classes(model, scaled, classes), mean, scale)


def _check(features: Features, labels: Labels, classes: int) -> None:
    found = np.unique(labels)
    if len(found) < 2:
        raise TrialError(f"DataLoader.Train has images of {len(found)} class only; a classifier "
                         "needs two")
    if found[0] < 0 or found[-1] >= classes:
        raise TrialError(f"DataLoader.Train has the labels {found[0]} to {found[-1]}, but "
                         f"Arch.class_num is {classes}")
    if not np.isfinite(features).all():
        raise TrialError("the network's features of the training images are no numbers: its "
                         "weights are not of use")


def _all_classes(model: Any, scaled: NDArray[np.float64], classes: int) -> Affine:
    """``model`` (of scikit-learn, linear) as scores of all ``classes``, also of two."""
    weight, bias = model.coef_.T, np.broadcast_to(model.intercept_, (len(model.coef_), ))
    if len(model.classes_) == 2:  # one score, which is the difference of the two
        weight, bias = np.hstack([-weight, weight]) / 2, np.hstack([-bias, bias]) / 2
    lowest = (scaled @ weight + bias).min()
    made = Affine(np.zeros((scaled.shape[1], classes)), np.full(classes, lowest - NEVER))
    made.weight[:, model.classes_], made.bias[model.classes_] = weight, bias
    return made


def _unscaled(affine: Affine, mean: NDArray[np.float64], scale: NDArray[np.float64]) -> Affine:
    """The same scores of features that are not scaled."""
    weight = affine.weight / scale[:, None]
    return Affine(weight, affine.bias - mean @ weight)
