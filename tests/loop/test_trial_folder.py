from __future__ import annotations

import errno
import json

import pytest

from paddle_transfer.errors import DiskFull
from paddle_transfer.loop.trial_folder import TrialFolders
from paddle_transfer.study.records import TrialRecord

RECORD = TrialRecord(number=7, suggestion=7, point={"a": 1}, seed=11, attempts=1)


def again(attempt):
    return TrialRecord(number=7, suggestion=7, point={"a": 1}, seed=11, attempts=attempt)


@pytest.fixture
def trial_folders(tmp_path):
    return TrialFolders(tmp_path, write_config=lambda record, path: path.write_text(
        str(record.point)), payload={"metric": "top1"})


def test_a_job_finds_its_config(tmp_path, trial_folders):
    job = trial_folders.prepare(RECORD)
    assert job.directory == str(tmp_path / "trials" / "0007")
    assert (job.number, job.attempt) == (7, 1)
    assert job.payload == {"metric": "top1", "seed": 11}
    assert (tmp_path / "trials" / "0007" / "config.yaml").read_text() == "{'a': 1}"


def test_another_attempt_finds_nothing_of_the_one_before_but_its_log(tmp_path, trial_folders):
    folder = tmp_path / "trials" / "0007"
    for attempt in (1, 2, 3):
        trial_folders.prepare(again(attempt))
        expected = ["config.yaml", *(f"train.log.{i}" for i in range(1, attempt)),
                    "trial.json"]
        assert sorted(path.name for path in folder.iterdir()) == expected
        for name in ("result.json", "result.json.tmp", "best_model.pdparams", "train.log"):
            (folder / name).write_text(f"{name} of {attempt}")
        (folder / "ResNet").mkdir()
        (folder / "ResNet" / "latest.pdparams").write_text("")
    assert (folder / "train.log.1").read_text() == "train.log of 1"


def test_another_attempt_finds_the_checkpoint_of_the_one_before(tmp_path, trial_folders):
    trial_folders.prepare(RECORD)
    assert trial_folders.saved_epoch(RECORD) == 0
    state = tmp_path / "trials" / "0007" / "checkpoint" / "state.json"
    state.parent.mkdir()
    state.write_text('{"epoch": 4}')
    assert trial_folders.saved_epoch(RECORD) == 4
    trial_folders.prepare(again(2))
    assert state.exists()
    state.write_text("[")
    assert trial_folders.saved_epoch(again(2)) == 0
    trial_folders.drop_checkpoint(7)
    assert not state.parent.exists()


def test_only_the_present_attempts_result_is_taken_over(tmp_path, trial_folders):
    trial_folders.prepare(RECORD)
    assert trial_folders.ended(RECORD) is None
    (tmp_path / "trials" / "0007" / "result.json").write_text(json.dumps(
        {"number": 7, "attempt": 1, "verdict": "complete", "value": 0.5, "curve": [[1, 0.5]]}))
    assert trial_folders.ended(RECORD).result["value"] == 0.5
    assert trial_folders.ended(again(2)) is None


def test_room_on_the_disk(tmp_path, trial_folders, monkeypatch):
    trial_folders.check_room()
    assert list(tmp_path.iterdir()) == []

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("paddle_transfer.loop.trial_folder.os.fsync", full)
    with pytest.raises(DiskFull, match="disk full"):
        trial_folders.check_room()
    assert list(tmp_path.iterdir()) == []
