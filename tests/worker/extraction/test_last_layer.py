"""A linear classifier as a network's last layer, the one of SqueezeNet as well."""

import numpy as np
import pytest

from paddle_transfer.worker.extraction.classifiers import Affine
from paddle_transfer.worker.extraction.last_layer import LastLayer, opening

rng = np.random.default_rng(0)
AFFINE = Affine(rng.normal(size=(6, 3)), rng.normal(size=3))
#: (images, positions, features), as of a layer after a rectifier
MAPS = np.maximum(rng.normal(size=(20, 9, 6)), 0)
LOW, HIGH = MAPS.min(axis=(0, 1)), MAPS.max(axis=(0, 1))


def answers(tensors, maps, *, rectified):
    """What a 1x1 convolution with ``tensors`` and the mean over all positions answer."""
    scores = maps @ tensors["w"][:, :, 0, 0].T + tensors["b"]
    return (np.maximum(scores, 0) if rectified else scores).mean(axis=1)


def test_a_linear_layer_is_the_classifier():
    tensors = LastLayer("w", "b").tensors(AFFINE, LOW, HIGH)
    assert tensors["w"].dtype == tensors["b"].dtype == np.float32
    features = MAPS.mean(axis=1)
    assert features @ tensors["w"] + tensors["b"] == pytest.approx(AFFINE.scores(features),
                                                                   abs=1e-5)


def test_a_rectifier_after_the_layer_stays_open_and_shifts_all_classes_alike():
    tensors = LastLayer("w", "b", convolution=True, rectified=True).tensors(AFFINE, LOW, HIGH)
    wanted = AFFINE.scores(MAPS.mean(axis=1))
    closed = answers({**tensors, "b": AFFINE.bias}, MAPS, rectified=True)
    assert np.abs(closed - wanted).max() > 0.1, "without the shift the rectifier cuts something off"
    found = answers(tensors, MAPS, rectified=True)
    shift = found - wanted
    assert np.ptp(shift) < 1e-4
    assert shift.mean() == pytest.approx(opening(AFFINE, LOW, HIGH), rel=1e-5)


def test_the_bound_holds_for_every_input_between_the_least_and_the_largest():
    more = opening(AFFINE, LOW, HIGH)
    corners = np.array(np.meshgrid(*zip(LOW, HIGH, strict=True))).reshape(6, -1).T
    assert (corners @ AFFINE.weight + AFFINE.bias + more).min() >= 0
    assert (corners @ AFFINE.weight + AFFINE.bias).min() < 0
    assert opening(Affine(np.abs(AFFINE.weight), np.abs(AFFINE.bias)), LOW, HIGH) == 0
