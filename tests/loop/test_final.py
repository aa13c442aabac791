"""The trainings after a search: what they leave, that they go on after a kill, and how they
fail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
import yaml

from paddle_transfer.api import run_search
from paddle_transfer.errors import SearchFailed
from paddle_transfer.registry import Component
from paddle_transfer.report.leaderboard import final_lines
from paddle_transfer.settings.final import Final
from tests.helpers.inline_executor import CLUMSY
from tests.helpers.tiny_runner import AUDIT, FINAL
from tests.helpers.tiny_search import RUNNER, tiny_settings

BEST, FIXED = {"a": 0.0}, {"a": 1.0}  # the metric is 0.5 + 0.4 cos(a)


@pytest.fixture
def audit(tmp_path, monkeypatch):
    monkeypatch.setenv(AUDIT, str(tmp_path / "audit"))
    monkeypatch.delenv(FINAL, raising=False)
    return lambda: [line.split(" pid")[0][len("began "):]
                    for line in (tmp_path / "audit").read_text().splitlines()
                    if line.startswith("began final")]


def settings(folder, **changes):
    made = tiny_settings(
        folder / "out", **{"values": {"a": [0.0, 1.0]}, "fixed": FIXED, "final": Final("train+val"),
                           "workers": 1, "max_iter": 2, **changes})
    made.base_config["DataLoader"] = {}
    for part in ("Train", "Eval", "Test"):
        file = folder / f"{part}.txt"
        if not file.exists():
            file.write_text(f"{part}.png 0\n")
        made.base_config["DataLoader"][part] = {"dataset": {"cls_label_path": str(file)}}
    return made


def run(folder, **changes):
    return run_search(settings(folder, **changes), runner=RUNNER)


def test_an_executor_that_loses_and_doubles_changes_nothing(tmp_path, audit):
    assert run(tmp_path, executor=Component(CLUMSY)) == 0
    assert sorted(audit()) == ["final/best attempt 1", "final/best attempt 2",
                               "final/fixed attempt 1"]
    assert (told(tmp_path)["best"]["test"], told(tmp_path)["best"]["point"]) == (0.9, BEST)


def told(folder):
    return json.loads((folder / "out" / "final.json").read_text())


def test_the_found_and_the_fixed_point_are_trained_again_and_tested(tmp_path, audit, capsys):
    assert run(tmp_path) == 0
    assert audit() == ["final/best attempt 1", "final/fixed attempt 1"]
    out = tmp_path / "out"
    for name, point in (("best", BEST), ("fixed", FIXED)):
        assert {"config.yaml", "train.log",
                "result.json"} <= {path.name for path in (out / "final" / name).iterdir()}
        config = yaml.safe_load((out / "final" / name / "config.yaml").read_text())
        assert config["Tiny"]["x"] == point
        assert config["DataLoader"] == {
            "Train": {"dataset": {"cls_label_path": str(out / "final" / "train_val_list.txt")}},
            "Eval": {"dataset": {"cls_label_path": str(tmp_path / "Test.txt")}}}
    assert (out / "final" / "train_val_list.txt").read_text() == "Train.png 0\nEval.png 0\n"
    assert told(tmp_path)["best"]["point"] == BEST
    assert told(tmp_path)["best"]["test"] == pytest.approx(0.9)
    assert told(tmp_path)["best"]["images"] == told(tmp_path)["fixed"]["validation_images"] == 9
    assert told(tmp_path)["fixed"]["validation"] == told(
        tmp_path)["fixed"]["test"] == pytest.approx(0.7161, abs=1e-4)
    text = capsys.readouterr().out
    assert ("point found  test top1 0.9000 on 9 images\n"
            "  fixed point  test top1 0.7161 on 9 images\n"
            "A gain of +18.39 points") in text
    parts = ["Search ended:", "Best top1",
             "Training the point found and the fixed point again on train+val",
             "point found: epoch 3, test top1 0.9000 on 9 images", "Trained again on train+val",
             "A gain of", "What next:", f"the tested model  {out}/final/best/best_model.pdparams"]
    assert [text.count(part) for part in parts] == [1] * len(parts)
    assert sorted(parts, key=text.index) == parts, "the test metrics stand before the closing lines"
    assert yaml.safe_load((out / "search.yaml").read_text())["final"] == {"retrain_on": "train+val"}
    assert "Test" in yaml.safe_load((out / "best_config.yaml").read_text())["DataLoader"]


def test_the_same_command_again_trains_nothing_and_tells_it_again(tmp_path, audit, capsys):
    run(tmp_path)
    begun = audit()
    capsys.readouterr()
    assert run(tmp_path) == 0
    assert audit() == begun
    assert "A gain of +18.39 points" in capsys.readouterr().out


def test_other_lists_are_trained_again(tmp_path, audit):
    run(tmp_path)
    (tmp_path / "Test.txt").write_text("other.png 0\n")
    assert run(tmp_path) == 0
    assert len(audit()) == 4
    assert run(tmp_path, final=Final("train")) == 0
    assert len(audit()) == 6
    config = yaml.safe_load((tmp_path / "out" / "final" / "best" / "config.yaml").read_text())
    assert config["DataLoader"]["Train"]["dataset"]["cls_label_path"] == str(tmp_path / "Train.txt")


@pytest.mark.usefixtures("audit")
def test_what_no_longer_holds_is_not_left_to_be_read(tmp_path, monkeypatch):
    run(tmp_path)
    (tmp_path / "Test.txt").write_text("other.png 0\n")
    monkeypatch.setenv(FINAL, "raise")
    with pytest.raises(SearchFailed, match=r"point found(.|\n)*fixed point"):
        run(tmp_path)
    assert not (tmp_path / "out" / "final.json").exists()


def test_a_fixed_point_that_wins_is_trained_once(tmp_path, audit, capsys):
    assert run(tmp_path, fixed=BEST) == 0
    assert audit() == ["final/best attempt 1"]
    assert told(tmp_path)["fixed"] == told(tmp_path)["best"]
    assert "it is the fixed point" in capsys.readouterr().out


def test_without_a_fixed_point_and_without_final(tmp_path, audit):
    assert run(tmp_path, fixed=None, final=None) == 0
    assert audit() == []
    assert not (tmp_path / "out" / "final").exists()
    assert run(tmp_path, fixed=None) == 0
    assert audit() == ["final/best attempt 1"]
    assert "fixed" not in told(tmp_path)


def test_a_crash_is_tried_once_more(tmp_path, audit, monkeypatch):
    monkeypatch.setenv(FINAL, "raise_once")
    assert run(tmp_path, fixed=None) == 0
    assert audit() == ["final/best attempt 1", "final/best attempt 2"]


@pytest.mark.parametrize(("how", "text", "attempts"),
                         [("raise", r"\(crashed\): ValueError: a deliberate crash", 2),
                          ("diverge", r"\(diverged\): the loss became nan", 1)])
def test_what_fails_is_told_and_can_be_tried_again(tmp_path, audit, monkeypatch, capsys, how, text,
                                                   attempts):
    monkeypatch.setenv(FINAL, how)
    failed = rf"final training of the point found failed {text}.* \(log: .*/train\.log\)"
    with pytest.raises(SearchFailed, match=failed) as e:
        run(tmp_path, fixed=None)
    text = capsys.readouterr().out
    assert text.count("What next:") == 1
    assert "tested model" not in text
    assert "Trained again" not in text
    assert e.value.exit_code == 1
    assert len(audit()) == attempts
    assert not (tmp_path / "out" / "final.json").exists()
    monkeypatch.delenv(FINAL)
    assert run(tmp_path, fixed=None) == 0
    assert len(audit()) == attempts + 1
    assert told(tmp_path)["best"]["test"] == pytest.approx(0.9)


_SCRIPT = """
import sys, pathlib
sys.path.insert(0, sys.argv[2])
import test_final
sys.exit(test_final.run(pathlib.Path(sys.argv[1])))
"""


def test_killed_in_the_middle_the_same_command_goes_on(tmp_path, audit, monkeypatch):
    """The first final training is done, the search process is killed in the second, which hangs."""
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.setenv(FINAL, "hang_fixed")
    with subprocess.Popen([sys.executable, "-c", _SCRIPT, str(tmp_path), os.path.dirname(__file__)],
                          stdout=subprocess.DEVNULL) as search:
        with open(tmp_path / "fifo") as fifo:
            assert fifo.readline() == "hanging\n"
        search.send_signal(signal.SIGKILL)
    monkeypatch.delenv(FINAL)
    assert run(tmp_path) == 0
    assert audit() == ["final/best attempt 1", "final/fixed attempt 1", "final/fixed attempt 2"]
    assert told(tmp_path)["fixed"]["test"] == pytest.approx(0.7161, abs=1e-4)


def test_a_test_metric_of_zero_is_one(tmp_path, audit, capsys):
    for _ in range(2):  # trained, and read again
        assert run(tmp_path, values={"Tiny.value": [0.25, 0.0]}, tiny={"value": 0.0},
                   fixed={"Tiny.value": 0.0}) == 0
        assert len(audit()) == 2
        assert told(tmp_path)["fixed"]["validation"] == told(tmp_path)["fixed"]["test"] == 0.0
        text = capsys.readouterr().out
        assert ("point found  test top1 0.2500 on 9 images\n"
                "  fixed point  test top1 0.0000 on 9 images\n"
                "A gain of +25.00 points") in text
        assert "Best top1 0.2500 on 9 images, fixed point 0.0000" in text


def test_the_summary_without_a_fixed_point():
    lines = final_lines({"metric": "top1", "retrain_on": "train", "best": {"test": 0.5}})
    assert lines == ["Trained again on train, tested once:", "  point found  test top1 0.5000"]
