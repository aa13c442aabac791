"""What a search does about the memory and the devices of one machine, with real trainings."""

import numpy as np
import pytest

from paddle_transfer.rules.accumulation import accumulated, why_not_halved
from paddle_transfer.weights.read import read
from tests.helpers.bridge import save_weights, train
from tests.helpers.digits import DECODE, NORMALIZE, tiny_config


def test_half_the_batch_trains_the_same_weights(trainings, digits, tmp_path):
    """But for what a network computes over a batch, which a frozen one does not."""
    if trainings.paddleclas is None:
        pytest.skip("the wheel adds up no gradients")
    weights = str(tmp_path / "mine.pdparams")
    trainings(save_weights, weights, arch="MobileNetV3_small_x0_35", class_num=7, seed=100)
    whole = tiny_config(digits, "unused", Global__epochs=2, Arch__dropout_prob=0.0,
                        DataLoader__Train__sampler__shuffle=False,
                        DataLoader__Train__dataset__transform_ops=[DECODE, NORMALIZE])
    whole["Transfer"] = {"pretrained": weights, "strategy": "head"}
    assert not why_not_halved(whole, "2.6.0")
    heads = []
    for name, made in (("whole", whole), ("half", accumulated(whole, 2))):
        result = trainings(train, str(tmp_path / name), made)
        tensors = read(tmp_path / name / "best_model.pdparams").tensors
        heads.append((result["best_epoch"], tensors["fc.weight"]))
    assert heads[0][0] == heads[1][0]
    np.testing.assert_allclose(heads[0][1], heads[1][1], rtol=1e-4, atol=1e-5)
    assert not np.array_equal(heads[0][1], read(weights).tensors["fc.weight"])
