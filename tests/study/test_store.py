from __future__ import annotations

import fcntl
import json

import optuna
import pytest

from paddle_transfer.errors import DiskFull, StudyError
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.space import Space
from paddle_transfer.study.journal import Journal
from paddle_transfer.study.journal_file import SYNC
from paddle_transfer.study.optuna_store import OptunaStore
from paddle_transfer.study.records import Proposal, Stage
from paddle_transfer.study.store import JOURNAL_NAME, JOURNAL_STUDY, open_store
from tests.helpers.store_suite import POINT, SPACE, StoreSuite


class TestJournal(StoreSuite):
    def open(self, path, space=SPACE):
        return open_store(output_dir=path, space=space)

    def address(self, path):
        return str(path / JOURNAL_NAME)


class TestSqlite(StoreSuite):
    def open(self, path, space=SPACE):
        return open_store(output_dir=path, space=space, storage=self.address(path))

    def address(self, path):
        return f"sqlite:///{path}/study.db"


def three_trials(path):
    store = open_store(output_dir=path, space=SPACE)
    for number, value in enumerate((0.2, 0.9, None)):
        proposal = Proposal({**POINT, "x": 0.1 * (number + 1)})
        store.create(suggestion=number, proposal=proposal, seed=0)
        store.begin(number)
        store.report_epoch(number, epoch=1, value=value or 0.0)
        if value is not None:
            store.finish(number, state="complete", value=value)
    return store


def test_it_is_an_optuna_study_like_any_other(tmp_path):
    three_trials(tmp_path)
    storage = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(tmp_path / JOURNAL_NAME)))
    study = optuna.load_study(study_name=JOURNAL_STUDY, storage=storage)
    assert study.best_trial.number == 1
    assert study.best_trial.params["lr"] == 0.01
    assert study.best_trial.distributions["x"] == optuna.distributions.FloatDistribution(
        0.001, 1.0, log=True)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "COMPLETE", "RUNNING"]
    pruner = optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=0)
    assert pruner.prune(study, study.trials[2])


def test_plain_choices_are_native_to_optuna(tmp_path):
    space = Space((Choice("lr", (0.1, 0.01)), Choice("mixup", (False, True))))
    store = open_store(output_dir=tmp_path, space=space)
    store.create(suggestion=0, proposal=Proposal({"lr": 0.01, "mixup": True}), seed=0)
    entry = json.loads((tmp_path / JOURNAL_NAME).read_text().splitlines()[-1])
    assert json.loads(entry["distributions"]["mixup"])["attributes"]["choices"] == [False, True]
    assert json.loads(entry["distributions"]["lr"])["attributes"]["choices"] == [0.1, 0.01]


def test_values_that_are_equal_in_python_stay_apart(tmp_path):
    space = Space((Choice("number", (0, 1)), Choice("switch", (False, True))))
    store = open_store(output_dir=tmp_path, space=space)
    store.create(suggestion=0, proposal=Proposal({"number": 1, "switch": True}), seed=0)
    again = open_store(output_dir=tmp_path, space=space).records()[0].point
    assert repr(again) == repr({"number": 1, "switch": True})


def test_the_disk_is_waited_for_now_and_then(tmp_path, monkeypatch):
    now, synced = [0.0], []
    journal = Journal(tmp_path / JOURNAL_NAME, clock=lambda: now[0])
    store = OptunaStore(journal, name=JOURNAL_STUDY, space=SPACE)
    monkeypatch.setattr("paddle_transfer.study.journal_file.os.fsync", synced.append)
    for number in range(100):
        now[0] += SYNC / 20
        store.create(suggestion=number, proposal=Proposal(POINT), seed=0)
        store.sync()
    assert len(synced) == 5
    store.sync()
    store.close()
    assert len(synced) == 5, "nothing was left"
    store.set_attribute("a", 1)
    store.close()
    assert len(synced) == 6


def test_a_moved_folder_still_resumes(tmp_path):
    (tmp_path / "here").mkdir()
    before = three_trials(tmp_path / "here").records()
    (tmp_path / "here").rename(tmp_path / "there")
    assert open_store(output_dir=tmp_path / "there", space=SPACE).records() == before


@pytest.mark.parametrize("keep", [1, 20, -1], ids=["one byte", "some bytes", "all but the newline"])
def test_a_torn_last_line_is_cut(tmp_path, keep):
    three_trials(tmp_path)
    journal = tmp_path / JOURNAL_NAME
    *lines, last = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines) + last[:keep])
    store = open_store(output_dir=tmp_path, space=SPACE)
    assert [record.state for record in store.records()] == ["complete", "complete", "running"]
    assert store.records()[2].curve == ()  # the torn line was its first epoch
    store.report_epoch(2, epoch=1, value=0.7)
    assert open_store(output_dir=tmp_path, space=SPACE).records()[2].curve == ((1, 0.7),)


def test_zeros_that_a_crash_of_the_machine_left_are_cut(tmp_path):
    before = three_trials(tmp_path).records()
    with open(tmp_path / JOURNAL_NAME, "ab") as file:
        file.write(b"\0" * 300)
    assert open_store(output_dir=tmp_path, space=SPACE).records() == before


@pytest.mark.parametrize("garbage", [b"garbage\n", b"{}\n", b"[1]\n", b'{"op_code": 4, \n'])
def test_a_broken_line_in_the_middle_is_an_error_that_names_it(tmp_path, garbage):
    three_trials(tmp_path)
    journal = tmp_path / JOURNAL_NAME
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[3] = garbage
    journal.write_bytes(b"".join(lines))
    with pytest.raises(
            StudyError,
            match=r"study\.journal: line 4: every line must be a JSON object; found .*--fresh"):
        open_store(output_dir=tmp_path, space=SPACE)
    assert journal.read_bytes() == b"".join(lines)


def test_a_full_disk_leaves_the_journal_whole(tmp_path, monkeypatch):
    import errno
    import os

    store = three_trials(tmp_path)
    before = (tmp_path / JOURNAL_NAME).read_bytes()
    write = os.write

    def half(descriptor, data):
        if len(data) > 30:
            return write(descriptor, bytes(data[:10]))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("paddle_transfer.study.journal_file.os.write",
                        lambda fd, data: half(fd, data[:40]))
    with pytest.raises(DiskFull, match=r"study\.journal: disk full.*same command again"):
        store.report_epoch(2, epoch=2, value=0.5)
    monkeypatch.undo()
    assert (tmp_path / JOURNAL_NAME).read_bytes() == before
    assert store.report_epoch(2, epoch=2, value=0.5).curve == ((1, 0.0), (2, 0.5))


def test_the_journal_lock_does_not_outlive_its_process(tmp_path):
    three_trials(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [JOURNAL_NAME]
    with open(tmp_path / JOURNAL_NAME, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


OLD = (Choice("teacher", ("-", "A", "B")), Choice("stage", ("search", "teacher", "final")))


def old_study(path, *points):
    """A study of earlier versions, whose points hold the teacher and the stage."""
    store = open_store(output_dir=path, space=Space((*SPACE.hyperparameters, *OLD)))
    for number, (teacher, stage) in enumerate(points):
        proposal = Proposal({**POINT, "teacher": teacher, "stage": stage})
        store.create(suggestion=number, proposal=proposal, seed=0)
    store.close()


def test_a_study_whose_points_hold_stage_and_teacher_is_read_on(tmp_path):
    old_study(tmp_path, ("-", "search"), ("A", "teacher"), ("A", "final"), ("-", "final"))
    store = open_store(output_dir=tmp_path, space=SPACE)
    assert [record.proposal for record in store.records()] == [
        Proposal(POINT), Proposal(POINT, Stage.TEACHER, "A"), Proposal(POINT, Stage.FINAL, "A"),
        Proposal(POINT, Stage.FINAL)]
    made = store.create(suggestion=4, proposal=Proposal(POINT, Stage.TEACHER, "B"), seed=0)
    store.begin(made.number)
    store.finish(made.number, state="complete", value=0.5)
    again = open_store(output_dir=tmp_path, space=SPACE)
    assert again.records() == store.records()
    assert again.records()[4].proposal == made.proposal


def test_a_key_named_stage_alone_makes_no_stage(tmp_path):
    for folder, keys, stage in (("one", OLD[1:], Stage.SEARCH), ("both", OLD, Stage.SEARCH)):
        (tmp_path / folder).mkdir()
        space = Space((*SPACE.hyperparameters, *keys))
        point = {**POINT, **{key.name: key.values[-1] for key in keys}}
        store = open_store(output_dir=tmp_path / folder, space=space)
        assert store.create(suggestion=0, proposal=Proposal(point), seed=0).stage is stage
        assert store.records()[0].point == point
