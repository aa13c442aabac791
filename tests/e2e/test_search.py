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
from tests.helpers.bridge import environment
from tests.helpers.commands import run_command
from tests.helpers.digits import tiny_config
from tools.digits import write_digits

TOOLS = Path(__file__).resolve().parents[2] / "tools"


def search(*overrides, cwd, code=0):
    """What the command says; nothing is to be trained, so it runs in this process."""
    options = [part for one in overrides for part in ("-o", one)]
    ended, told = run_command("search", "-c", "search.yaml", *options, cwd=cwd)
    assert ended == code, told
    return told


@pytest.fixture(scope="module")
def searched(trainings, tmp_path_factory):
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
    done = subprocess.run([sys.executable, str(TOOLS / "search.py"), "-c", "search.yaml"], cwd=root,
                          text=True, capture_output=True, timeout=500,
                          env={**os.environ, **environment(trainings.paddleclas)})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return root, done.stdout + done.stderr


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
    told = {True: ", which is the fixed point.", False: ": a gain of "}
    assert told[best(root)["trial"] == "0"] in text
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
    runs = {path.name.partition(" ")[0] for path in (out / "vdl").iterdir()}
    assert runs == {"search", "winner", *(f"{i:04d}" for i in range(6))}


def test_the_same_command_again_trains_nothing(searched):
    root, _ = searched
    before = {path: path.stat().st_mtime_ns for path in (root / "out").glob("trials/*/result.json")}
    assert "Going on: 6 trials are done already." in search(cwd=root)
    assert {path: path.stat().st_mtime_ns
            for path in (root / "out").glob("trials/*/result.json")} == before


def test_another_space_is_refused_by_name(searched):
    root, _ = searched
    text = search("Global.epochs=3", cwd=root, code=2)
    assert "Global.epochs: 2 -> 3" in text
    assert "--fresh" in text


def test_broken_data_is_found_before_any_training(searched):
    root, _ = searched
    lines = (root / "data/train_list.txt").read_text().splitlines()
    (root /
     "data/broken_list.txt").write_text("\n".join([*lines[:-1], lines[-1].split()[0] + " 2"]) +
                                        "\n")
    text = search("output_dir=broken",
                  "DataLoader.Train.dataset.cls_label_path=data/broken_list.txt", cwd=root, code=2)
    assert f"data/broken_list.txt:{len(lines)}: " in text
    assert "2" in text.split(f":{len(lines)}: ")[1]
    assert not (root / "broken").exists()


def test_training_the_best_config_gives_the_trials_metric_to_the_last_digit(trainings, searched):
    root, _ = searched
    code, told = trainings(run_command, "train", "-c", "out/best_config.yaml", cwd=str(root))
    assert code == 0, told
    assert json.loads((root / "out/best/train_result.json").read_text())["best"] == float(
        best(root)["top1"])


def test_evaluating_the_best_model_gives_its_metric(trainings, searched):
    root, _ = searched
    code, told = trainings(run_command, "eval", "-c", "out/best_config.yaml", "-o",
                           "Global.pretrained_model=out/best_model", cwd=str(root))
    assert code == 0, told
    assert f"top1: {float(best(root)['top1']):.5f}" in told


def test_stock_paddleclas_trains_the_best_config(trainings, searched):
    if not trainings.paddleclas:
        pytest.skip("the wheel has no tools/train.py")
    root, _ = searched
    config = yaml.safe_load((root / "out/best_config.yaml").read_text())
    config["Global"]["output_dir"] = "stock"
    (root / "stock.yaml").write_text(yaml.safe_dump(config))
    # scikit-learn before paddle: with Paddle 2.6 the other order ends in a crash inside zlib
    script = (
        "import runpy, sys, sklearn.metrics; sys.argv = ['train.py', '-c', 'stock.yaml']; "
        f"runpy.run_path('{trainings.paddleclas}/tools/train.py', run_name='__main__')")
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True,
                          timeout=500,
                          env={**os.environ, **environment(trainings.paddleclas),
                               "PYTHONPATH": trainings.paddleclas})
    assert done.returncode == 0, done.stderr[-3000:]
    log = (root / "stock" / "train.log").read_text()
    assert f"best metric: {float(best(root)['top1'])}]" in log
