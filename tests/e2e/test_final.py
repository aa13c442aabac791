"""A real search that ends with its final trainings and the test list, by mean per class
accuracy."""

import json
import os
import re
from unittest import mock

import pytest
import yaml

from paddle_transfer import dotpath
from paddle_transfer.config.load import dump_yaml
from tests.helpers.bridge import environment
from tests.helpers.commands import run_command
from tests.helpers.digits import tiny_config
from tools.digits import write_digits


def search(root):
    """In this process; its workers train."""
    code, told = run_command("search", "-c", "search.yaml", cwd=root)
    assert code == 0, told
    return told


@pytest.fixture(scope="module")
def searched(trainings, tmp_path_factory):
    """The folder after a search on uneven lists: 12 zeros and 3 ones to test."""
    root = tmp_path_factory.mktemp("final")
    write_digits(root / "data", classes=(0, 1), per_class_train=16, per_class_val=18)
    lines = (root / "data/val_list.txt").read_text().splitlines()
    zeros, ones = ([line for line in lines if line.endswith(end)] for end in (" 0", " 1"))
    (root / "data/val_list.txt").write_text("\n".join(zeros[:6] + ones[:6]) + "\n")
    (root / "data/test_list.txt").write_text("\n".join(zeros[6:] + ones[6:9]) + "\n")
    config = tiny_config(str(root / "data"), "output", Metric__Eval=[{"TopkAcc": {"topk": [1]}}],
                         Global__epochs=2)
    test = dotpath.clone(config["DataLoader"]["Eval"])
    test["dataset"]["cls_label_path"] = str(root / "data/test_list.txt")
    config["DataLoader"]["Test"] = test
    dump_yaml(config, str(root / "base.yaml"))
    (root / "search.yaml").write_text("""
base_config_file: base.yaml
output_dir: out
search_mode: grid
workers: 1
metric: mean_per_class
fixed: {lr: 0.0001}
final: {retrain_on: train+val}
search_dict:
  - search_key: lr
    search_values: [0.05, 0.0001]
""")
    with mock.patch.dict(os.environ, environment(trainings.paddleclas)):
        return root, search(root)


def test_both_points_are_tested_once_on_the_test_list(searched):
    root, text = searched
    out = root / "out"
    told = json.loads((out / "final.json").read_text())
    assert told["metric"] == "mean_per_class"
    assert "Trained again on train+val, tested once:" in text
    assert len((out / "final/train_val_list.txt").read_text().splitlines()) == 32 + 12
    trained = ["best"] if told["best"] == told["fixed"] else ["best", "fixed"]
    for name in trained:
        result = json.loads((out / "final" / name / "result.json").read_text())
        assert result["curve"] == [[2, told[name]["test"]]], "one evaluation, after the last epoch"
        assert f"{told[name]['test']:.4f}" in text
        log = (out / "final" / name / "train.log").read_text()
        assert log.count("[Eval][Epoch 2][Avg]") == 1
        assert "[Eval][Epoch 1][Avg]" not in log
        assert (out / "final" / name / "best_model.pdparams").exists()


def test_the_weights_have_that_test_metric_which_is_the_mean_over_the_classes(trainings, searched):
    root, _ = searched
    config = yaml.safe_load((root / "out/final/best/config.yaml").read_text())
    told = json.loads((root / "out/final.json").read_text())["best"]["test"]
    parts = []
    lines = (root / "data/test_list.txt").read_text().splitlines()
    for label in ("", " 0",
                  " 1"):  # all, then class by class: there, top1 is the class's own accuracy
        (root / "part.txt").write_text("\n".join(line for line in lines if line.endswith(label)) +
                                       "\n")
        config["DataLoader"]["Eval"]["dataset"]["cls_label_path"] = "part.txt"
        dump_yaml(config, str(root / "part.yaml"))
        code, text = trainings(run_command, "eval", "-c", "part.yaml", "-o",
                               "Global.pretrained_model=out/final/best/best_model", cwd=str(root))
        assert code == 0, text
        parts.append(
            {name: float(value) for name, value in re.findall(r"^(\w+): ([\d.]+)$", text, re.M)})
    assert parts[0]["mean_per_class"] == told
    assert told == pytest.approx((parts[1]["top1"] + parts[2]["top1"]) / 2)


def test_the_same_command_again_trains_nothing(searched):
    root, _ = searched
    before = {path: path.stat().st_mtime_ns for path in (root / "out").rglob("result.json")}
    assert "Trained again on train+val, tested once:" in search(root)
    assert {path: path.stat().st_mtime_ns for path in (root / "out").rglob("result.json")} == before
