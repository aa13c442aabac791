"""Classifiers on features in real trials: without an engine when the features are known, as the
last layer of SqueezeNet, and in an index beside the weights."""

import json
from pathlib import Path

import numpy as np
import pytest

from paddle_transfer.config.load import dump_yaml
from paddle_transfer.errors import TrialError
from paddle_transfer.strategies.section import apply_strategy
from paddle_transfer.weights.read import read
from paddle_transfer.weights.write import write
from tests.helpers import extraction
from tests.helpers.bridge import save_weights, train
from tests.helpers.commands import run_command
from tests.helpers.digits import tiny_config

ARCH = "SqueezeNet1_1"


@pytest.fixture(scope="module")
def weights(trainings, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "squeeze.pdparams"
    trainings(save_weights, str(path), arch=ARCH, class_num=7, seed=3)
    return str(path)


def config_of(digits, weights, **options):
    config = tiny_config(digits, "unused", Arch__name=ARCH)
    config["Transfer"] = {"pretrained": weights, "strategy": {
        "name": "feature_extraction", **options}}
    return config


def test_it_is_the_last_layer_of_a_network_that_ends_in_a_rectifier(trainings, digits, weights,
                                                                     tmp_path):
    config = config_of(digits, weights, strength=1.0)
    config["Global"]["output_dir"] = str(tmp_path / "out")
    first = trainings(train, str(tmp_path / "first"), config)
    second = trainings(extraction.train_without_engine, str(tmp_path / "second"), config)
    for key in ("value", "curve", "digest", "images", "list", "best_epoch", "reports"):
        assert second[key] == first[key]
    assert second["pretrained"]["loaded"] == first["pretrained"]["loaded"] == 50
    assert first["curve"] == [[1, first["value"]]]
    assert not (tmp_path / "second/best_model.index.npz").exists()

    found = trainings(extraction.answers, config, str(tmp_path / "second/best_model"))
    assert found["inner"].min() >= 0, "the rectifier stays open"
    lines = Path(config["DataLoader"]["Eval"]["dataset"]["cls_label_path"]).read_text().splitlines()
    labels = [int(line.split()[-1]) for line in lines]
    assert np.mean(found["logits"].argmax(axis=1) == labels) == pytest.approx(first["value"])
    other = trainings(extraction.train_without_engine, str(tmp_path / "other"),
                      config_of(digits, weights, strength=1e-6))
    assert other["digest"] != first["digest"]


@pytest.mark.parametrize("options", [
    {"classifier": "knn", "neighbors": 3}, {"layer": "_conv7", "strength": 1.0}],
    ids=["knn", "another layer"])
def test_an_index_beside_the_weights_answers_in_eval_and_infer(trainings, digits, weights, tmp_path,
                                                               options):
    config = config_of(digits, weights, **options)
    config["Global"]["output_dir"] = str(tmp_path / "out")
    dump_yaml(config, str(tmp_path / "config.yaml"))

    def run(command, *overrides):
        code, told = trainings(run_command, command, "-c", "config.yaml", *overrides,
                               cwd=str(tmp_path))
        assert code == 0, told
        return told

    told = run("train")
    assert "PaddleClas's own tools cannot" in told
    trained = json.loads((tmp_path / "out/train_result.json").read_text())
    assert (tmp_path / "out/best_model.index.npz").exists()
    assert ".index.npz beside the weights" in apply_strategy(config)["Transfer"]["note"]

    best = "-o", f"Global.pretrained_model={tmp_path}/out/best_model"
    assert f"top1: {trained['best']!r}\n" in run("eval", *best)
    rows = extraction.rows(run("infer", *best))
    assert len(rows) == len(list(Path(digits, "images").iterdir()))
    assert len({row["class_ids"][0] for row in rows}) > 1
    with pytest.raises(TrialError, match="an exported network would not have it"):
        trainings(extraction.open_in, "export", config, f"{tmp_path}/out/best_model")
    other = {name: tensor + 1 for name, tensor in read(f"{tmp_path}/out/best_model.pdparams"
                                                       ).tensors.items()}
    write(tmp_path / "out/best_model.pdparams", other)
    with pytest.raises(TrialError, match="was written beside other weights"):
        trainings(extraction.open_in, "eval", config, f"{tmp_path}/out/best_model")
