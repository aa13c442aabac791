"""The soup after a search: who joins, what is left of it, that it goes on after a kill."""

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
from paddle_transfer.result import load_search
from paddle_transfer.settings.final import Final
from paddle_transfer.settings.groups import LOCAL  # noqa: F401 (for the script below)
from tests.helpers.inline_executor import CLUMSY, NAME
from tests.helpers.tiny_runner import AUDIT, FINAL
from tests.helpers.tiny_search import RUNNER, tiny_settings

#: The metric is 0.5 + 0.4 cos(a): the mean of the first two is nearer to 0 than each of them.
BETTER, WORSE = [-0.3, 0.4, 1.0], [0.0, 0.5]


@pytest.fixture
def audit(tmp_path, monkeypatch):
    """The means that were evaluated."""
    monkeypatch.setenv(AUDIT, str(tmp_path / "audit"))
    monkeypatch.delenv(FINAL, raising=False)
    return lambda: [line.split(" pid")[0][len("began soup/"):]
                    for line in (tmp_path / "audit").read_text().splitlines()
                    if line.startswith("began soup")]


def settings(folder, values, *, tested=False, **changes):
    made = tiny_settings(folder / "out", **{
        "values": values if isinstance(values, dict) else {"a": values},
        "tiny": {"weights": True}, "final": Final(soup="greedy"), "workers": 1,
        "executor": Component(NAME), **changes})
    made.base.config["Arch"] = {"name": "ResNet18"}
    if tested:
        made.base.config["DataLoader"] = {}
        for part in ("Eval", "Test"):
            file = folder / f"{part}.txt"
            file.write_text(f"{part}.png 0\n")
            made.base.config["DataLoader"][part] = {"dataset": {"cls_label_path": str(file)}}
    return made


def run(folder, values=BETTER, **changes):
    return run_search(settings(folder, values, **changes), runner=RUNNER)


def test_an_executor_that_loses_and_doubles_changes_nothing(tmp_path, audit):
    assert run(tmp_path, executor=Component(CLUMSY)) == 0
    assert audit() == ["0000 attempt 1", "0000 attempt 2", "0001 attempt 1", "0002 attempt 1",
                       "0002 attempt 2"]
    assert weights(tmp_path) == [-0.3, 0.4]


def weights(folder):
    return json.loads((folder / "out" / "best_model.pdparams").read_text())


def test_a_mean_that_is_better_is_the_model_that_is_handed_back(tmp_path, audit, capsys):
    assert run(tmp_path) == 0
    assert audit() == ["0000 attempt 1", "0001 attempt 1", "0002 attempt 1"]
    assert weights(tmp_path) == [-0.3, 0.4]
    told = load_search(tmp_path / "out").soup
    assert told["accepted"]
    assert told["trials"] == [0, 1]
    assert [(step["trial"], step["taken"]) for step in told["steps"]] == [
        (0, True), (1, True), (2, False)]
    assert told["value"] == pytest.approx(0.8995, abs=1e-4)
    assert told["single"] == {"trial": 0, "value": pytest.approx(0.8821, abs=1e-4)}
    assert "test" not in told
    out = tmp_path / "out"
    assert [path.parent.name for path in out.glob("final/soup/*/best_model.pdparams")] == ["0001"]
    assert (out / "trials/0000/best_model.pdparams").exists(), "the single one stays where it was"
    config = (out / "best_config.yaml").read_text()
    assert yaml.safe_load(config)["Tiny"]["x"] == {"a": -0.3}, "the winner's"
    text = capsys.readouterr().out
    line = ("best_model.pdparams is the mean of the weights of trials 0, 1 (a greedy soup): top1 "
            "0.8995 on 9 images, the best single one (trial 0) 0.8821.")
    assert line in text
    assert line in config
    assert "with trial 2: top1 0.8734, not taken" in text
    assert text.count("What next:") == 1
    assert yaml.safe_load((out / "search.yaml").read_text())["final"] == {"soup": "greedy"}


def test_a_mean_that_is_worse_is_refused(tmp_path, audit, capsys):
    assert run(tmp_path, WORSE, tested=True) == 0
    assert audit() == ["0000 attempt 1", "0001 attempt 1", "test_single attempt 1"]
    assert weights(tmp_path) == [0.0]
    told = load_search(tmp_path / "out").soup
    assert not told["accepted"]
    assert told["reason"] == "no mean is better than the best single trial"
    assert not list((tmp_path / "out").glob("final/soup/*/best_model.pdparams"))
    text = capsys.readouterr().out
    assert "No soup: no mean is better than the best single trial." in text
    assert "On the test list, which chose nothing: trial 0 0.9000 on 9 images." in text


def test_equal_means_join_but_do_not_replace_the_best_single_one(tmp_path, audit):
    """A mean that is as good as the best single trial, and no better, is not handed back."""
    assert run(tmp_path, [-0.5, 0.5 * 3]) == 0  # their mean is 0.5
    assert len(audit()) == 2
    told = load_search(tmp_path / "out").soup
    assert [step["taken"] for step in told["steps"]] == [True, True]
    assert not told["accepted"]
    assert weights(tmp_path) == [-0.5]


def test_the_same_command_again_evaluates_nothing_and_tells_it_again(tmp_path, audit, capsys):
    run(tmp_path, tested=True)
    begun = audit()
    assert begun == ["0000 attempt 1", "0001 attempt 1", "0002 attempt 1", "test_single attempt 1",
                     "test_soup attempt 1"]
    told = load_search(tmp_path / "out").soup
    capsys.readouterr()
    assert run(tmp_path, tested=True) == 0
    assert audit() == begun
    assert load_search(tmp_path / "out").soup == told
    assert weights(tmp_path) == [-0.3, 0.4]
    assert ("On the test list, which chose nothing: soup 0.8995, trial 0 0.8821 on 9 images."
            in capsys.readouterr().out)


@pytest.mark.usefixtures("audit")
def test_the_test_list_chooses_nothing_and_is_read_as_it_says(tmp_path):
    run(tmp_path, tested=True)
    soup = tmp_path / "out" / "final" / "soup"
    lists = {path.parent.name: yaml.safe_load(path.read_text())["DataLoader"]["Eval"]["dataset"][
        "cls_label_path"].rpartition("/")[2] for path in soup.glob("*/config.yaml")}
    assert lists == {"0000": "Eval.txt", "0001": "Eval.txt", "0002": "Eval.txt",
                     "test_single": "Test.txt", "test_soup": "Test.txt"}


def test_a_search_that_goes_on_evaluates_what_is_new_alone(tmp_path, audit):
    run(tmp_path, max_iter=2)
    assert audit() == ["0000 attempt 1", "0001 attempt 1"]
    run(tmp_path, max_iter=3)
    assert audit() == ["0000 attempt 1", "0001 attempt 1", "0002 attempt 1"]


def test_lost_weights_of_the_soup_are_made_again(tmp_path, audit):
    run(tmp_path)
    (tmp_path / "out/final/soup/0001/best_model.pdparams").unlink()
    run(tmp_path)
    assert audit()[3:] == ["0001 attempt 2"]
    assert weights(tmp_path) == [-0.3, 0.4]


def test_one_trial_alone_is_no_soup(tmp_path, audit, capsys):
    assert run(tmp_path, max_iter=1) == 0
    assert not audit()
    assert "No soup: fewer than two trials have kept weights that go together" in (
        capsys.readouterr().out)
    assert weights(tmp_path) == [-0.3]


def test_the_winners_other_seeds_are_candidates_and_pruned_trials_are_none(tmp_path, audit):
    """Also those that are not among the best ``keep_models``."""
    assert run(tmp_path, [0.3, 2.0], search_times=3, keep_models=2) == 0
    assert {line.split()[0] for line in audit()} == {"0000", "0001", "0002"}


def test_other_weights_are_evaluated_anew(tmp_path, audit):
    run(tmp_path)
    (tmp_path / "out/trials/0001/best_model.pdparams").write_text("[2.0]")
    run(tmp_path)
    assert audit()[3:] == ["0001 attempt 2", "0002 attempt 2"]
    assert not load_search(tmp_path / "out").soup["accepted"]
    assert weights(tmp_path) == [-0.3]


def test_trials_of_another_network_are_left_out_and_told(tmp_path, audit, capsys):
    assert run(tmp_path, {"a": BETTER[:2], "Arch.name": ["ResNet18", "ResNet34"]},
               keep_models=8) == 0
    winner = load_search(tmp_path / "out").best.point["Arch.name"]
    told = load_search(tmp_path / "out").soup
    trials = {trial.number: trial.point["Arch.name"] for trial in load_search(
        tmp_path / "out").trials}
    assert {trials[step["trial"]] for step in told["steps"]} == {winner}
    assert [trials[one["trial"]] for one in told["left_out"]] == ["ResNet34"] * 2
    assert "is left out: its architecture is not the winner's" in capsys.readouterr().out
    assert len(audit()) == 2


@pytest.mark.parametrize(("how", "text", "attempts"), [
    ("raise", r"the mean with trial 0 cannot be evaluated: .*a deliberate crash.*log: ", 2),
    ("invalid", r"the mean with trial 0 cannot be evaluated: Tiny.misbehave", 1)])
def test_what_fails_is_told_and_can_be_tried_again(tmp_path, audit, monkeypatch, capsys, how, text,
                                                   attempts):
    monkeypatch.setenv(FINAL, how)
    with pytest.raises(SearchFailed, match=text):
        run(tmp_path)
    assert len(audit()) == attempts
    assert weights(tmp_path) == [-0.3], "the winner's are there"
    assert capsys.readouterr().out.count("What next:") == 1
    monkeypatch.delenv(FINAL)
    assert run(tmp_path) == 0
    assert weights(tmp_path) == [-0.3, 0.4]


def test_a_crash_is_tried_once_more(tmp_path, audit, monkeypatch):
    monkeypatch.setenv(FINAL, "raise_once")
    assert run(tmp_path) == 0
    assert audit() == [f"{number} attempt {attempt}" for number in ("0000", "0001", "0002")
                       for attempt in (1, 2)]


_SCRIPT = """
import sys, pathlib
sys.path.insert(0, sys.argv[2])
import test_soup
sys.exit(test_soup.run(pathlib.Path(sys.argv[1]), executor=test_soup.LOCAL))
"""


def test_killed_in_the_middle_the_same_command_goes_on(tmp_path, audit, monkeypatch):
    """One mean is evaluated, the search process is killed in the second, which hangs."""
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.setenv(FINAL, "hang_0001")
    with subprocess.Popen([sys.executable, "-c", _SCRIPT, str(tmp_path), os.path.dirname(__file__)],
                          stdout=subprocess.DEVNULL) as search:
        with open(tmp_path / "fifo") as fifo:
            assert fifo.readline() == "hanging\n"
        search.send_signal(signal.SIGKILL)
    assert weights(tmp_path) == [-0.3], "until there is a soup the winner's are there"
    monkeypatch.delenv(FINAL)
    assert run(tmp_path) == 0
    assert audit() == ["0000 attempt 1", "0001 attempt 1", "0001 attempt 2", "0002 attempt 1"]
    assert weights(tmp_path) == [-0.3, 0.4]
