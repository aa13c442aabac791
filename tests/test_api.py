"""Whole searches with real worker processes and tiny trainings."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import yaml

from paddle_transfer import api
from paddle_transfer.api import run_search
from paddle_transfer.errors import ConfigError, DiskFull, SearchFailed, SetupError, StudyError
from paddle_transfer.loop.trial_folder import TrialFolders
from paddle_transfer.settings.final import Final
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.study.store import open_store
from tests.helpers import records
from tests.helpers.configs import base_config
from tests.helpers.settings import change
from tests.helpers.tiny_runner import AUDIT
from tests.helpers.tiny_search import RUNNER, tiny_settings


@pytest.fixture
def audit(tmp_path, monkeypatch):
    monkeypatch.setenv(AUDIT, str(tmp_path / "audit"))
    return lambda: [line.split(" pid")[0] for line in (tmp_path / "audit").read_text().splitlines()
                    if line.startswith("began")]


def run(folder, *, fresh=False, **changes):
    settings = tiny_settings(folder, **changes)
    code = run_search(settings, fresh=fresh, runner=RUNNER)
    return code, open_store(output_dir=settings.output_dir, space=settings.space,
                            storage=settings.storage).records()


@pytest.mark.usefixtures("audit")
def test_a_search_and_what_it_leaves(tmp_path, capsys):
    out = tmp_path / "out"
    code, records = run(out)
    shown = capsys.readouterr()
    assert code == 0
    assert "Search ended: all 6 points of the space were evaluated" in shown.out
    assert "is switched off" not in shown.err
    assert len(records) == 6
    assert {record.state for record in records} == {"complete"}
    for record in records:
        folder = out / "trials" / f"{record.number:04d}"
        config = yaml.safe_load((folder / "config.yaml").read_text())
        assert config["Tiny"]["x"] == record.point
        assert config["Global"]["seed"] == 0
        assert config["Global"]["output_dir"] == str(folder)
        assert {"config.yaml", "train.log", "trial.json",
                "result.json"} == {path.name for path in folder.iterdir()}
        assert record.info["best_epoch"] == 3
        assert record.info["engine"] == {"engine": "tiny"}
    assert yaml.safe_load((out / "search.yaml").read_text())["search_dict"][1] == {
        "search_key": "b", "search_values": [1, 2, 3], "log": False, "replace_config": ["Tiny.x.b"]}


def test_the_same_command_again_trains_nothing(tmp_path, audit):
    run(tmp_path / "out")
    begun = audit()
    assert run(tmp_path / "out")[0] == 0
    assert audit() == begun
    assert len(begun) == 6


def test_more_iterations_go_on_from_there(tmp_path, audit):
    run(tmp_path / "out", max_iter=2)
    assert len(audit()) == 2
    _, records = run(tmp_path / "out", max_iter=5, workers=3, trial_timeout=1000.0,
                     search_mode="random", keep_models=1)
    assert len(audit()) == 2 + sum(record.reused is None for record in records[2:])
    assert len(records) == 5


def test_what_ends_a_search_and_what_follows_it(tmp_path, audit, capsys):
    """Budgets and confirm in real processes: they may change from one command to the next."""
    out, values, fixed = tmp_path / "out", {"a": [0.0, 1.0, 0.5, 2.0, 0.2]}, {"a": 2.0}
    code, records = run(out, values=values, max_iter=5, epoch_budget=7)
    assert code == 0
    assert len(records) == 2
    assert "Search ended: epoch_budget (7) has no room" in capsys.readouterr().out
    code, records = run(out, values=values, max_iter=5, fixed=fixed, confirm=2, time_budget=100,
                        pruner={"name": "MedianPruner"})
    assert code == 0
    assert len(records) == 9
    assert len(audit()) == 9
    text = capsys.readouterr().out
    assert "Confirmed top1: found 0.9005 ± 0.0005 (2 seeds), fixed 0.3340 ± 0.0005" in text
    told = json.loads((out / "search_results.json").read_text())
    assert told["ended"] == "all 5 points of the space were evaluated"
    assert told["winner"]["point"] == {"a": 0.0}
    assert [one["point"]["a"] for one in told["confirm"]["points"]] == [0.0, 0.2, 0.5, 2.0]
    written = yaml.safe_load((out / "search.yaml").read_text())
    assert (written["confirm"], written["time_budget"], written["pruner"]) == (2, 100, {
        "name": "MedianPruner"
    })
    first = (out / "search.yaml").read_text().splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert "epoch_budget" not in written
    assert "stop" not in written
    assert run(out, values=values, max_iter=5, fixed=fixed, confirm=2)[0] == 0
    assert len(audit()) == 9


@pytest.mark.usefixtures("audit")
def test_what_is_written_means_the_same_when_it_is_read(tmp_path):
    """A search file without these keys would mean the defaults."""
    out = tmp_path / "out"
    assert run(out, values={"a": [0.0, 1.0]}, max_iter=2, search_mode="bayes", prior="none",
               pruner=None)[0] == 0
    written = yaml.safe_load((out / "search.yaml").read_text())
    assert (written["pruner"], written["prior"], written["stop"]) == ("none", "none", "none")


def test_files_final_and_terminal_agree_on_the_winner_of_a_bayesian_search(tmp_path, capsys):
    """Two points of one kind are good, the luckiest training is of the other kind."""
    values = {"lr": [0.01], "mixup": [False, True], "l2_decay": [1e-3, 1e-4, 1e-5, 1e-6]}
    made = tiny_settings(tmp_path / "out", values=values, search_mode="bayes", max_iter=8,
                         final=Final("train"), tiny={"table": {"mixup": {True: 0.74, False: 0.8}}})
    lucky = {"lr": 0.01, "mixup": True, "l2_decay": 1e-5}
    made.base_config["Tiny"]["lucky"] = {"x": lucky, "value": 0.803}
    made.base_config["DataLoader"] = {}
    for part in ("Train", "Eval", "Test"):
        (tmp_path / part).write_text(f"{part}.png 0\n")
        made.base_config["DataLoader"][part] = {"dataset": {"cls_label_path": str(tmp_path / part)}}
    assert run_search(made, runner=RUNNER) == 0
    out = tmp_path / "out"
    table = list(csv.DictReader((out / "search_results.csv").open()))
    best = next(row for row in table if row["rank"] == "1")
    luckiest = max(table, key=lambda row: float(row["top1"]))
    assert luckiest["top1"] == "0.803"
    assert best["mixup"] == "False"
    assert best is not luckiest
    point = {"lr": 0.01, "mixup": False, "l2_decay": float(best["l2_decay"])}
    assert yaml.safe_load((out / "best_config.yaml").read_text())["Tiny"]["x"] == point
    assert json.loads((out / "final.json").read_text())["best"]["point"] == point
    assert json.loads((out / "search_results.json").read_text())["winner"]["point"] == point
    text = capsys.readouterr().out
    assert "Ranked by estimate" in text
    assert f"(trial {luckiest['trial']} got 0.8030)" in text


@pytest.mark.parametrize(("changes", "text"), [
    ({"seed": 1}, "seed: 0 -> 1"),
    ({"metric": "top5"}, "metric: 'top1' -> 'top5'"),
    ({"tiny": {"epochs": 5}}, "base_config.Tiny.epochs: (absent) -> 5"),
    ({"values": {"a": [0.0, 0.6], "b": [1, 2, 3]}}, "space.a.choices: [0.0, 0.5] -> [0.0, 0.6]"),
])
def test_another_search_in_the_same_folder_is_refused(tmp_path, audit, changes, text):
    run(tmp_path / "out")
    with pytest.raises(StudyError) as caught:
        run(tmp_path / "out", **changes)
    assert f"  - {text}" in str(caught.value)
    assert "--fresh" in str(caught.value)
    assert len(audit()) == 6


@pytest.mark.parametrize("sqlite", [False, True])
def test_fresh_moves_the_old_run_aside(tmp_path, audit, capsys, sqlite):
    storage = f"sqlite:///{tmp_path}/study.db" if sqlite else None
    for seed in (0, 1):
        code, records = run(tmp_path / "out", fresh=True, seed=seed, storage=storage,
                            values={"a": [1, 2]})
        assert code == 0
        assert [record.seed for record in records] == [seed] * 2
    aside = next(path for path in tmp_path.iterdir() if path.name.startswith("out."))
    assert (aside / "trials" / "0001" / "result.json").exists()
    assert str(aside) in capsys.readouterr().err
    assert len(audit()) == 4
    if sqlite:
        space = tiny_settings("unused", values={"a": [1, 2]}).space
        assert len(open_store(output_dir=aside, space=space, storage=storage).records()) == 2


@pytest.mark.parametrize(("how", "reason"), [
    ("raise", "crashed again after a retry: ValueError: a deliberate crash"),
    ("diverge", "diverged: the loss became nan in epoch 2"),
    ("invalid", "can never work: Tiny.misbehave: must be harmless"),
])
def test_all_trials_failed(tmp_path, how, reason):
    with pytest.raises(SearchFailed,
                       match=rf"^all 2 trials failed: {reason}.* \(log: .*train\.log\)") as caught:
        run(tmp_path, tiny={"misbehave": how}, values={"a": [1, 2]})
    assert caught.value.exit_code == 1


def test_one_bad_trial_does_not_stop_the_others(tmp_path):
    values = {"Tiny.misbehave": [None, "raise", "diverge", "segfault", "invalid", "raise_once"]}
    code, records = run(tmp_path, values=values)
    assert code == 0
    assert [record.state for record in records] == [
        "complete", "failed", "diverged", "failed", "failed", "complete"
    ]
    assert [record.attempts for record in records] == [1, 2, 1, 2, 1, 2]
    assert "a deliberate crash" in records[1].info["log_tail"]
    assert records[5].info["tries"][0]["verdict"] == "crashed"
    assert "a deliberate crash" in (tmp_path / "trials" / "0005" / "train.log.1").read_text()


def test_a_hanging_trial_is_ended_by_trial_timeout(tmp_path):
    _, records = run(tmp_path, values={"Tiny.misbehave": [None, "hang"]}, trial_timeout=0.5)
    assert [record.state for record in records] == ["complete", "failed"]
    assert records[1].info["reason"].startswith("timed out")


def test_a_machine_that_lacks_something_stops_the_search(tmp_path, audit):
    with pytest.raises(SetupError, match=r"^Paddle is not installed\. pip install paddlepaddle$"):
        run(tmp_path / "out", tiny={"misbehave": "setup"})
    assert len(audit()) <= 2


class Recorder:
    def __init__(self):
        self.reason = None

    def __getattr__(self, name):
        return lambda *_: None

    def search_ended(self, _records, reason):
        self.reason = reason


def test_callbacks_hear_of_the_end_also_after_an_error(tmp_path):
    recorder = Recorder()
    with pytest.raises(DiskFull):
        run_search(tiny_settings(tmp_path, tiny={"misbehave": "disk_full"}), runner=RUNNER,
                   callbacks=[recorder])
    assert recorder.reason == "ended by an error: DiskFull"


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs root and mount for a small disk; runs in a container with SYS_ADMIN. "
                    "test_driver and test_store fill the disk by a fake everywhere")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.usefixtures("audit")
def test_a_really_full_disk(small_disk):
    """Filled to the last byte at several moments; after room was made, the same command goes on."""
    ballast, told = small_disk / "ballast", []
    (small_disk / "out").mkdir()
    code = None
    for _ in range(12):
        with open(ballast, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 1024)
            except OSError:
                pass
            room = max(0, file.tell() - 4096 * (2 + 3 * len(told)))
            file.truncate(room)
        try:
            code, records = run(small_disk / "out", values={"a": [1, 2, 3, 4, 5, 6]})
            break
        except DiskFull as error:
            told.append(str(error))
            ballast.unlink()
    assert all("disk full" in text and "same command again" in text for text in told)
    assert code == 0
    assert len(told) >= 3
    assert [record.state for record in records] == ["complete"] * 6
    assert all("tries" not in record.info for record in records), "a full disk is no trial's fault"


@pytest.mark.parametrize("module", ["paddle_transfer.api", "paddle_transfer.worker.main"])
def test_nothing_heavy_is_imported(module):
    code = (
        f"import sys, {module}\n"
        "heavy = ('paddle', 'ppcls', 'skopt', 'sklearn', 'optuna', 'numpy', 'ray')\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_key_that_this_paddleclas_cannot_search_is_refused_before_anything_is_written(tmp_path):
    out = tmp_path / "out"
    settings = tiny_settings(out)
    settings = change(settings, keys=(*settings.keys, SearchKey(Choice("ema", (False, True)))))
    with pytest.raises(
            ConfigError,
            match=r"search_dict\.2\.search_key: ema True needs PaddleClas 2\.5 or newer; "
            r"found PaddleClas 2\.4\.2\. Name a newer checkout"):
        run_search(settings, runner=RUNNER, version="2.4.2")
    assert not out.exists()


def test_why_a_trial_cannot_be_tried_with_half_the_batch(tmp_path, monkeypatch):
    (tmp_path / "train_list.txt").write_text("".join(f"{i}.png {i % 5}\n" for i in range(40)))
    why_not = api.halving(records.shown_settings(tmp_path, base_config=base_config(tmp_path)),
                          TrialFolders(tmp_path, write_config=lambda *_: None))
    found = {}
    for version in ("2.4.2", "2.6.0"):
        home = SimpleNamespace(version=version)
        monkeypatch.setattr(api, "locate", lambda _, home=home: home)
        found[version] = why_not(records.record(0, 0.01))
    assert found == {"2.4.2": "PaddleClas 2.4.2 adds up no gradients, 2.5 and newer do",
                     "2.6.0": ""}


def test_a_trial_that_runs_out_of_memory_is_told_as_such(tmp_path, capsys):
    _, trials = run(tmp_path / "out", values={"Tiny.misbehave": [None, "memory"]})
    ended, failed = sorted(trials, key=lambda one: one.state)
    assert (ended.state, failed.state, failed.attempts) == ("complete", "failed", 1)
    assert failed.info["reason"].startswith("out of memory: MemoryError: ResourceExhaustedError")
    assert "; not tried with half the batch: " in failed.info["reason"]
    assert failed.info["reason"].endswith("fewer trials at once take less")
    assert "out of memory: MemoryError" in capsys.readouterr().out
