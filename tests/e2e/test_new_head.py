"""Transfer.head in real trainings: from weights of the plain network to a model that stock
PaddleClas evaluates, infers with and exports."""

import numpy as np
import pytest

from paddle_transfer.config.load import dump_yaml
from paddle_transfer.config.portable import handed_back
from paddle_transfer.strategies.section import apply_strategy
from paddle_transfer.weights.read import read
from tests.helpers.bridge import save_weights, stock_use, train
from tests.helpers.digits import tiny_config
from tests.helpers.small_vgg import with_small_vgg

#: Architecture and layers that are new, by their names in the trained weights.
NEW = {"VGG11": {"fc1", "fc3"}, "PPLCNet_x0_25": {"backbone.fc", "head.fc"},
       "SqueezeNet1_1": {"backbone._conv9", "head.fc"}}


@pytest.mark.parametrize("arch", NEW)
def test_a_hidden_layer_on_a_frozen_backbone(trainings, digits, tmp_path, arch):
    def call(function, *args, **kwargs):
        return trainings(with_small_vgg, function, *args, **kwargs)

    weights = str(tmp_path / "plain.pdparams")
    call(save_weights, weights, arch=arch, class_num=7, seed=100)
    config = tiny_config(digits, "unused", Arch__name=arch, Global__epochs=1)
    size = [{"ResizeImage": {"size": 32}}]
    for section in ("Train", "Eval"):
        operators = config["DataLoader"][section]["dataset"]["transform_ops"]
        operators[:] = [operators[0], *size, operators[-1]]
    config["Infer"]["transforms"][1:2] = size
    config["Global"]["image_shape"] = [3, 32, 32]
    config["Transfer"] = {"pretrained": weights, "strategy": "head",
                          "head": {"hidden": [8], "dropout": 0.25, "init": "kaiming"}}
    trained = call(train, str(tmp_path / "trial"), config)
    assert trained["pretrained"]["head"]
    log = (tmp_path / "trial/train.log").read_text()
    assert log.count("paddle_transfer: head: ") == 1

    before, after = read(weights).tensors, read(tmp_path / "trial/best_model.pdparams").tensors
    own = {name: before.get(name.removeprefix("backbone.")) for name in after}
    moved = {name.rpartition(".")[0] for name, value in after.items()
             if own[name] is None or own[name].shape != value.shape
             or not np.array_equal(own[name], value)}
    handed_on = {"fc2"} if arch == "VGG11" else set()
    assert moved - handed_on == NEW[arch]

    best = handed_back(apply_strategy(config), output_dir=str(tmp_path / "stock"), seed=7,
                       device="cpu", metric="top1")
    assert best["Transfer"]["note"]
    dump_yaml(best, str(tmp_path / "best_config.yaml"))
    used = call(stock_use, str(tmp_path / "best_config.yaml"), str(tmp_path / "trial/best_model"),
                str(tmp_path / "stock"))
    assert used["metric"] == pytest.approx(trained["value"], abs=1e-6)
    assert used["shape"] == [1, 4]
    assert used["inferred"] > 0
