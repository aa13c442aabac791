"""A whole search of real trainings on real images through the command line, and what its user does
next."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from paddle_transfer.config.load import dump_yaml
from tests.helpers.digits import tiny_config
from tools.digits import write_digits

TOOLS = Path(__file__).resolve().parents[2] / "tools"
CHECKOUT = os.environ.get("PADDLECLAS_HOME")


def tool(name, *arguments, cwd, code=0):
    """Output of ``tools/<name>.py``; the exit code must be ``code``."""
    done = subprocess.run([sys.executable, str(TOOLS / f"{name}.py"), *arguments], cwd=cwd,
                          text=True, capture_output=True, timeout=500,
                          env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """The folder after a grid search of lr (one of them hopeless) x mixup, two workers, and what it
    printed."""
    root = tmp_path_factory.mktemp("search")
    write_digits(root / "data", classes=(0, 1), per_class_train=16, per_class_val=20)
    config = tiny_config(str(root / "data"), "output", Metric__Eval=[{"TopkAcc": {"topk": [1]}}],
                         Infer__PostProcess__topk=1)
    dump_yaml(config, str(root / "base.yaml"))
    (root / "search.yaml").write_text("""
base_config_file: base.yaml
output_dir: out
search_mode: grid
workers: 2
seed: 3
keep_models: 1
fixed: {lr: 0.01, mixup: False}
search_dict:
  - search_key: lr
    search_values: [0.05, 0.01, 1e30]
  - search_key: mixup
    search_values: [False, True]
""")
    return root, tool("search", "-c", "search.yaml", cwd=root)


def rows(root):
    with open(root / "out" / "search_results.csv", newline="") as stream:
        return list(csv.DictReader(stream))


def best(root):
    return min((row for row in rows(root) if row["rank"]), key=lambda row: int(row["rank"]))


def test_the_grid_is_trained_and_diverging_trials_are_told_as_such(searched):
    root, text = searched
    assert [row["state"] for row in rows(root)].count("complete") == 4
    hopeless = [row for row in rows(root) if float(row["lr"]) == 1e30]
    assert len(hopeless) == 2
    assert {row["state"] for row in hopeless} == {"diverged"}
    assert all("nan" in row["reason"] or "inf" in row["reason"] for row in hopeless)
    assert rows(root)[0]["lr"] == "0.01"
    assert rows(root)[0]["mixup"] == "False"
    assert "fixed point" in text
    assert "a gain of" in text
    assert "Trials: 4 complete, 2 diverged." in text


def test_its_files(searched):
    root, _ = searched
    out = root / "out"
    number = int(best(root)["trial"])
    kept = sorted(path.parent.name for path in out.glob("trials/*/best_model.pdparams"))
    assert kept == [f"{number:04d}"]
    assert (out / "best_model.pdparams").samefile(out / "trials" / kept[0] / "best_model.pdparams")
    result = json.loads((out / "trials" / kept[0] / "result.json").read_text())
    assert result["value"] == float(best(root)["top1"])
    assert result["engine"]["paddle"]
    for trial in out.glob("trials/*"):
        assert {"config.yaml", "train.log",
                "result.json"} <= {path.name for path in trial.iterdir()}
    assert {path.name for path in (out / "vdl").iterdir()} == {
        "search", *(f"trial_{i:04d}" for i in range(6))
    }


def test_the_same_command_again_trains_nothing(searched):
    root, _ = searched
    before = {path: path.stat().st_mtime_ns for path in (root / "out").glob("trials/*/result.json")}
    assert "Going on: 6 trials are done already." in tool("search", "-c", "search.yaml", cwd=root)
    assert {path: path.stat().st_mtime_ns
            for path in (root / "out").glob("trials/*/result.json")} == before


def test_another_space_is_refused_by_name(searched):
    root, _ = searched
    text = tool("search", "-c", "search.yaml", "-o", "Global.epochs=3", cwd=root, code=2)
    assert "Global.epochs: 2 -> 3" in text
    assert "--fresh" in text


def test_broken_data_is_found_before_any_training(searched):
    root, _ = searched
    lines = (root / "data/train_list.txt").read_text().splitlines()
    (root /
     "data/broken_list.txt").write_text("\n".join([*lines[:-1], lines[-1].split()[0] + " 2"]) +
                                        "\n")
    text = tool("search", "-c", "search.yaml", "-o", "output_dir=broken", "-o",
                "DataLoader.Train.dataset.cls_label_path=data/broken_list.txt", cwd=root, code=2)
    assert f"data/broken_list.txt:{len(lines)}: " in text
    assert "2" in text.split(f":{len(lines)}: ")[1]
    assert not (root / "broken").exists()


def test_training_the_best_config_gives_the_trials_metric_to_the_last_digit(searched):
    root, _ = searched
    tool("train", "-c", "out/best_config.yaml", cwd=root)
    assert json.loads((root / "out/best/train_result.json").read_text())["best"] == float(
        best(root)["top1"])


def test_evaluating_the_best_model_gives_its_metric(searched):
    root, _ = searched
    text = tool("eval", "-c", "out/best_config.yaml", "-o",
                "Global.pretrained_model=out/best_model", cwd=root)
    assert f"top1: {float(best(root)['top1']):.5f}" in text


@pytest.mark.skipif(not CHECKOUT, reason="PADDLECLAS_HOME names no checkout of PaddleClas")
def test_stock_paddleclas_trains_the_best_config(searched):
    root, _ = searched
    config = yaml.safe_load((root / "out/best_config.yaml").read_text())
    config["Global"]["output_dir"] = "stock"
    (root / "stock.yaml").write_text(yaml.safe_dump(config))
    # scikit-learn before paddle: with Paddle 2.6 the other order ends in a crash inside zlib
    script = (
        "import runpy, sys, sklearn.metrics; sys.argv = ['train.py', '-c', 'stock.yaml']; "
        f"runpy.run_path({os.path.join(CHECKOUT, 'tools', 'train.py')!r}, run_name='__main__')")
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True,
                          timeout=500,
                          env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": CHECKOUT})
    assert done.returncode == 0, done.stderr[-3000:]
    log = (root / "stock" / "train.log").read_text()
    assert f"best metric: {float(best(root)['top1'])}]" in log
