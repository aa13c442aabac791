"""A real search that ends with a soup of its trials' weights: evaluated, accepted, handed back."""

import os
import re
from unittest import mock

import numpy as np
import pytest

import paddle_transfer
from paddle_transfer import dotpath
from paddle_transfer.weights.read import read
from paddle_transfer.weights.write import write
from tests.helpers import stock
from tests.helpers.bridge import environment, save_weights
from tests.helpers.commands import run_command
from tests.helpers.digits import tiny_config
from tools.digits import write_digits


class Spread:
    """Makes the weights of two trials W + d and W - d, where W are those of the winner: their mean
    is the winner's again, and each of them is far worse."""

    def __init__(self, out):
        self.out = out

    def search_ended(self, records, reason):
        del reason
        self.best = read(self.out / "best_model.pdparams").tensors
        for record, sign in zip(records, (1, -1), strict=True):
            random = np.random.default_rng(0)
            write(self.out / f"trials/{record.number:04}/best_model.pdparams", {
                name: value if name.endswith(("._mean", "._variance")) else value + np.float32(
                    sign * 0.5 * np.std(value) * random.standard_normal(value.shape))
                for name, value in self.best.items()})


@pytest.fixture(scope="module")
def searched(trainings, tmp_path_factory):
    """(the folder, its result, the weights that are the mean of those of both trials)"""
    root = tmp_path_factory.mktemp("soup")
    write_digits(root / "data", classes=(0, 1), per_class_train=32, per_class_val=20)
    lines = (root / "data/val_list.txt").read_text().splitlines()
    for part, chosen in (("val", lines[::2]), ("test", lines[1::2])):
        (root / f"data/{part}_list.txt").write_text("\n".join(chosen) + "\n")
    trainings(save_weights, str(root / "mine.pdparams"), arch="MobileNetV3_small_x0_35",
              class_num=7, seed=100)
    config = tiny_config(str(root / "data"), "output", Global__epochs=6)
    config["DataLoader"]["Test"] = dotpath.clone(config["DataLoader"]["Eval"])
    config["DataLoader"]["Test"]["dataset"]["cls_label_path"] = str(root / "data/test_list.txt")
    config["Transfer"] = {"pretrained": str(root / "mine.pdparams")}
    spread = Spread(root / "out")
    with mock.patch.dict(os.environ, environment(trainings.paddleclas)):
        result = paddle_transfer.search({
            "base_config_file": config, "output_dir": str(root / "out"), "search_mode": "grid",
            "workers": 1, "final": {"soup": "greedy"},
            "search_dict": [{"search_key": "lr", "search_values": [0.05, 0.03]}]},
            callbacks=[spread])
    return root, result, spread.best


def test_it_has_the_metric_of_the_mean_and_is_handed_back(searched):
    _, result, best = searched
    assert result.soup["accepted"], result.soup
    assert result.soup["value"] == result.best_value, "the mean is the winner's own weights"
    assert result.soup["single"]["value"] < result.soup["value"]
    assert (result.soup["images"], result.soup["test"]["images"]) == (20, 20)
    found = read(result.best_model_path).tensors
    for name, value in best.items():
        np.testing.assert_allclose(found[name], value, atol=1e-6, err_msg=name)
    assert result.soup["statistics"] == 0, "those of both trials are the same"


def test_best_config_evaluates_it_on_both_lists(trainings, searched):
    root, result, _ = searched
    for part, value in (("val", result.soup["value"]), ("test", result.soup["test"]["soup"])):
        code, text = trainings(
            run_command, "eval", "-c", "out/best_config.yaml", "-o",
            "Global.pretrained_model=out/best_model", "-o",
            f"DataLoader.Eval.dataset.cls_label_path={root}/data/{part}_list.txt", cwd=str(root))
        assert code == 0, text
        assert float(re.search(r"^top1: ([\d.]+)$", text, re.M)[1]) == value
    assert trainings(stock.evaluate, str(root / "out/best_config.yaml"),
                     str(root / "out/best_model")) == pytest.approx(result.soup["value"])
