"""What the benchmark of soups asks for and how it sums up."""

from pathlib import Path

import pytest

from benchmarks import real_data
from benchmarks.soup import TASKS, Outcome, base_config, report, write_data


def outcome(task, seed, test, *, members=2):
    return Outcome(task, seed, 0.5, 0.6, 0.5, test, members, 6, 100, 1.0)


def test_the_gain_is_the_mean_over_tasks_with_the_error_over_tasks():
    lines = report([outcome("a", 0, 0.52), outcome("b", 0, 0.5, members=1),
                    outcome("a", 1, 0.54), outcome("b", 1, 0.5, members=1)])
    assert lines[2] == "| a | 0 | 0.5000 | 0.6000 | 100 | 0.5000 | 0.5200 | 2 of 6 | +2.00 |"
    assert lines[-1] == ("Gain on the test lists, mean over 2 tasks: +1.50 ± 1.50 points (standard "
                         "error over tasks); soups accepted: 2 of 4.")


@pytest.mark.parametrize("task", TASKS)
def test_the_search_does_not_see_the_test_list(task):
    config = base_config(task, Path("data"), Path("weights.pdparams"))
    lists = {part: config["DataLoader"][part]["dataset"]["cls_label_path"]
             for part in ("Train", "Eval", "Test")}
    assert lists == {"Train": "data/train_list.txt", "Eval": "data/val_list.txt",
                     "Test": "data/test_list.txt"}


@pytest.mark.parametrize(("task", "own"), [("squeezenet_tuxpaint_grey", "8"),
                                           ("squeezenet_fashion", None)])
def test_the_recorded_split_gets_a_test_list_and_the_seed(tmp_path, monkeypatch, task, own):
    asked = []
    monkeypatch.setattr(real_data, "main", lambda arguments: asked.append(
        real_data.parser().parse_args(arguments)))
    write_data(task, tmp_path / "packages", tmp_path / "data", 3)
    assert (asked[0].seed, asked[0].source, asked[0].output) == (
        3, tmp_path / "packages", tmp_path / "data")
    assert str(asked[0].test_per_class) == (own or "60")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/label_list.txt").touch()
    write_data(task, tmp_path / "packages", tmp_path / "data", 3)
    assert len(asked) == 1, "pictures that are there stay"
