"""What is recorded of a task beside its table: the rates of a range test, the losses, the file."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks import task_features
from benchmarks.task_features import (
    as_text,
    range_config,
    range_test,
    rising_rates,
    step_losses,
    steps_per_epoch,
)
from paddle_transfer.config.load import load_yaml
from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.worker.locate import locate
from tests.helpers.digits import tiny_config
from tools.digits import write_digits

TABLES = Path(__file__).parents[2] / "benchmarks" / "tables"
RECORDED = sorted(TABLES.glob("*/features.json"))


def small(folder: Path, **overrides: object) -> dict:
    """Ten training images in batches of eight."""
    folder.mkdir(exist_ok=True)
    (folder / "label_list.txt").write_text("0 a\n1 b\n")
    (folder / "train_list.txt").write_text("a.png 0\nb.png 1\n" * 5)
    return tiny_config(str(folder), str(folder / "out"), **overrides)


def test_rates_rise_by_the_same_factor():
    rates = rising_rates(40)
    assert (rates[0], rates[-1], len(rates)) == (1e-5, 1.0, 40)
    factors = [larger / rate for rate, larger in pairwise(rates)]
    assert max(factors) / min(factors) < 1.001


@pytest.mark.parametrize(("dropped", "steps"), [(True, 1), (False, 2)])
def test_an_incomplete_batch_counts_unless_it_is_dropped(tmp_path, dropped, steps):
    config = small(tmp_path, DataLoader__Train__sampler__drop_last=dropped)
    assert steps_per_epoch(config) == steps
    assert range_config(config, output=tmp_path, seed=0)["Global"]["epochs"] == 40 // steps


def test_paddleclas_builds_a_schedule_of_one_rate_a_step(tmp_path):
    from paddle_transfer.worker.bootstrap import load_ppcls

    load_ppcls(locate(None))
    from ppcls.optimizer import build_lr_scheduler

    made = range_config(small(tmp_path), output=tmp_path, seed=0)
    schedule = build_lr_scheduler(made["Optimizer"]["lr"], made["Global"]["epochs"], 2)
    rates = []
    for _ in range(40):
        rates.append(schedule())
        schedule.step()
    assert rates == rising_rates(40)


def test_the_rest_of_the_config_is_the_tasks_own(tmp_path):
    config = small(tmp_path)
    made = range_config(config, output=tmp_path, seed=3)
    del made["Optimizer"]["lr"], config["Optimizer"]["lr"]
    same = ("Arch", "Loss", "Optimizer", "DataLoader")
    assert [made[key] for key in same] == [config[key] for key in same]
    assert (made["Global"]["seed"], made["Global"]["eval_during_train"]) == (3, False)


def test_losses_are_rounded_and_end_where_the_training_diverged():
    rates = [0.1, 0.2, 0.3, 0.4]
    seen = [(0.1, 2.34567), (0.2, 12345.6), (0.3, math.inf)]
    assert step_losses(seen, rates) == [2.346, 12350.0, None, None]


@pytest.mark.parametrize("seen", [
    [(0.1, 2.0)], [(0.1, 2.0), (0.1, 2.0)], [(0.1, 2.0), (0.2, 2.0), (0.3, 2.0)]],
    ids=["a step is missing", "another rate", "one too many"])
def test_a_training_that_took_other_steps_is_no_range_test(seen):
    with pytest.raises(PaddleTransferError, match="not the 2 of the range test"):
        step_losses(seen, [0.1, 0.2])


def test_a_range_test_is_a_training_of_the_engine(tmp_path, monkeypatch):
    monkeypatch.setattr(task_features, "LEAST_STEPS", 5)
    write_digits(tmp_path, classes=(0, 1), per_class_train=12)
    config = tiny_config(str(tmp_path), str(tmp_path / "out"))
    found = range_test(config, home=locate(None), output=tmp_path / "out", seed=1)
    assert (found["seed"], found["epochs"], found["rates"]) == (1, 2, rising_rates(6))
    assert found["losses"][0] == pytest.approx(math.log(2), abs=0.5)
    assert len(set(found["losses"])) > 3


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.parent.name)
def test_a_recorded_file_fits_its_config(file):
    found = json.loads(file.read_text())
    config = load_yaml(str(file.with_name("target.yaml")))
    facts = found["facts"]
    assert as_text(found) == file.read_text()
    assert found["task"] == file.parent.name
    assert facts["classes"] == config["Arch"]["class_num"]
    assert facts["optimizer"] == config["Optimizer"]["name"]
    assert 1 / facts["classes"] < found["linear_probe"] < 1
    for test in found["range_tests"]:
        assert test["rates"] == rising_rates(facts["steps_per_epoch"] * test["epochs"])
        assert len(test["losses"]) == len(test["rates"]) >= 40
        assert 0.5 < test["losses"][0] / math.log(facts["classes"]) < 4
