"""Features of real images in trainings: the strategy ``head`` on them is the same training."""

import re

import numpy as np
import pytest
from PIL import Image

from paddle_transfer import dotpath
from paddle_transfer.weights.read import read
from paddle_transfer.worker.features.cache import LIMIT_VARIABLE
from tests.helpers.bridge import save_weights, train
from tests.helpers.digits import tiny_config
from tools.digits import write_digits

USED = "the classifier is trained on features, which are computed once"
COMPUTED = re.compile(r"features of (\d+) images of DataLoader\.(\w+) computed")


@pytest.fixture
def run(trainings, tmp_path):
    """Trains with a folder of features of its own: (result, log)."""
    def run(name, config, limit="1GB"):
        variables = {"PADDLE_TRANSFER_HOME": str(tmp_path / "home"), LIMIT_VARIABLE: limit}
        result = trainings(train, str(tmp_path / name), config, variables=variables)
        return result, (tmp_path / name / "train.log").read_text()
    return run


@pytest.fixture
def config(trainings, tmp_path):
    """Of a network with a dropout before its classifier, on images without a random crop."""
    write_digits(tmp_path / "data")
    weights = tmp_path / "mine.pdparams"
    trainings(save_weights, str(weights), arch="MobileNetV3_small_x0_35", class_num=7, seed=100)
    config = tiny_config(str(tmp_path / "data"), "unused", Optimizer__lr__learning_rate=0.5)
    config["DataLoader"]["Train"]["dataset"]["transform_ops"] = dotpath.clone(
        config["DataLoader"]["Eval"]["dataset"]["transform_ops"])
    config["Transfer"] = {"pretrained": str(weights), "strategy": "head"}
    return config


def test_a_training_on_features_is_that_on_images_and_is_never_of_other_images(
        run, config, tmp_path):
    whole, log = run("whole", config, limit="0")
    assert "the whole network runs in every epoch: what the classifier gets of 40 images" in log
    first, log = run("first", config)
    assert USED in log
    assert COMPUTED.findall(log) == [("40", "Train"), ("20", "Eval")]
    for one, other in zip(whole["reports"], first["reports"], strict=True):
        assert one["value"] == pytest.approx(other["value"], abs=1e-5)
        for name, value in one["scalars"].items():
            assert other["scalars"][name] == pytest.approx(value, abs=1e-5), name
    expected, found = (read(tmp_path / name / "best_model.pdparams").tensors
                       for name in ("whole", "first"))
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=1e-5, err_msg=name)

    extracted = dotpath.clone(config)
    extracted["Transfer"]["strategy"] = "feature_extraction"
    _, log = run("extracted", extracted)  # of the same images, by another strategy
    assert not COMPUTED.findall(log)

    again, log = run("again", config)
    assert USED in log
    assert not COMPUTED.search(log)
    assert (again["reports"], again["digest"]) == (first["reports"], first["digest"])

    image = next((tmp_path / "data/images").glob("val_*.png"))
    Image.new("RGB", (28, 28), "red").save(image)
    _, log = run("changed", config)
    assert COMPUTED.findall(log) == [("20", "Eval")]


def test_an_image_that_cannot_be_read_leaves_the_training_as_it_was(run, config, tmp_path):
    """PaddleClas takes another image in its place, a random one."""
    next((tmp_path / "data/images").glob("train_*.png")).write_bytes(b"no image")
    _, log = run("broken", config)
    assert "the whole network runs in every epoch: DataLoader.Train: PaddleClas cannot read" in log
