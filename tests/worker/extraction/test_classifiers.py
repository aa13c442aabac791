"""Classifiers on features, and their scores beside scikit-learn's own."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from paddle_transfer.errors import TrialError
from paddle_transfer.strategies.feature_extraction import FeatureExtractionOptions
from paddle_transfer.worker.extraction.classifiers import MOST_STEPS, fit


def blobs(classes=4, images=30, features=12, seed=0):
    """Features of very different scales, the last one constant."""
    rng = np.random.default_rng(seed)
    labels = np.arange(images) % classes
    centres = rng.normal(size=(classes, features)) * 2
    found = (centres[labels] + rng.normal(size=(images, features))) * 10.0**np.arange(features)
    found[:, -1] = 3.0
    return found.astype(np.float32), labels


def fitted(classifier, classes=4, **options):
    features, labels = blobs(classes)
    chosen = FeatureExtractionOptions(classifier=classifier, **options)
    return fit(features, labels, classes=classes, options=chosen)


PEERS = {
    "logistic_regression": LogisticRegression(C=0.3, max_iter=MOST_STEPS),
    "linear_svm": LinearSVC(C=0.3, dual="auto", random_state=0),
    "knn": KNeighborsClassifier(3, weights="distance"),
}


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("name", PEERS)
def test_scores_are_those_of_scikit_learn_on_standardised_features(name, classes):
    features, labels = blobs(classes)
    others, _ = blobs(classes, seed=1)
    peer = make_pipeline(StandardScaler(), PEERS[name]).fit(features.astype(np.float64), labels)
    scores = fitted(name, classes, strength=0.3, neighbors=3).scores(others)
    assert scores.shape == (30, classes)
    assert (scores.argmax(axis=1) == peer.predict(others.astype(np.float64))).all()
    if name == "linear_svm":
        wanted = peer.decision_function(others.astype(np.float64))
        found = scores if classes > 2 else scores[:, 1] - scores[:, 0]
        assert found == pytest.approx(wanted, rel=1e-5, abs=1e-6)
    else:
        shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        assert shares == pytest.approx(peer.predict_proba(others.astype(np.float64)), abs=1e-4)


def test_a_class_without_training_images_is_never_the_answer():
    for name in PEERS:
        features, labels = blobs(3)
        model = fit(features, 2 * labels, classes=6,
                    options=FeatureExtractionOptions(classifier=name))
        scores = model.scores(features)
        assert scores.shape == (30, 6)
        assert set(scores.argmax(axis=1)) == {0, 2, 4}
        assert (scores[:, [1, 3, 5]].max(axis=1) < scores[:, [0, 2, 4]].max(axis=1)).all()
        if name != "knn":  # whose classes without a vote are all alike
            assert scores[:, [1, 3, 5]].max() < scores[:, [0, 2, 4]].min()
        assert np.isfinite(scores).all()


def test_without_standardising_the_largest_feature_decides():
    features, labels = blobs()
    raw = fitted("knn", standardize=False, neighbors=1)
    peer = KNeighborsClassifier(1).fit(features, labels)
    others, _ = blobs(seed=1)
    assert (raw.scores(others).argmax(axis=1) == peer.predict(others)).all()
    assert (raw.scores(others) != fitted("knn", neighbors=1).scores(others)).any()


def test_more_neighbours_than_images_are_all_images():
    assert fitted("knn", neighbors=1000).scores(blobs()[0]).shape == (30, 4)


def test_strength_is_how_little_is_regularized():
    norms = [np.linalg.norm(fitted("logistic_regression", strength=strength).weight * np.float64(
        10.0)**np.arange(12)[:, None]) for strength in (1e-4, 1e-2, 1.0)]
    assert norms == sorted(norms)
    assert norms[0] < norms[2] / 5


@pytest.mark.parametrize(("labels", "message"), [
    ([2] * 30, "has images of 1 class only"),
    ([0, 5] * 15, "has the labels 0 to 5, but Arch.class_num is 4"),
])
def test_labels_that_no_classifier_can_learn(labels, message):
    features, _ = blobs()
    with pytest.raises(TrialError, match=message):
        fit(features, np.array(labels), classes=4, options=FeatureExtractionOptions())


def test_features_that_are_no_numbers():
    features, labels = blobs()
    features[3, 3] = np.nan
    with pytest.raises(TrialError, match="are no numbers"):
        fit(features, labels, classes=4, options=FeatureExtractionOptions())
