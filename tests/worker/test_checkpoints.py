"""When a checkpoint is saved, and which one is gone on from."""

import errno
from contextlib import contextmanager

import numpy as np
import pytest

from paddle_transfer.errors import TrialError
from paddle_transfer.weights.checkpoint import CheckpointFolder
from paddle_transfer.worker import runner
from paddle_transfer.worker.checkpoints import Checkpoints, ResumeFailed, open_checkpoints
from paddle_transfer.worker.diverged import Diverged
from paddle_transfer.worker.jobs import RunningJob
from paddle_transfer.worker.options import EpochResult
from tests.helpers.fakes import FakeClock

EPOCH = {"epoch": 1, "value": 0.5, "images": 8, "scalars": {"lr": 0.1}}
TENSORS = {"weight": np.zeros(2, "float32")}
CONFIG = {"Global": {"epochs": 3, "seed": 0, "output_dir": "out"}}


class SlowFolder(CheckpointFolder):
    """Takes ``cost`` seconds for a save, or raises ``error``."""

    def __init__(self, path, clock, cost=0.0, error=None):
        super().__init__(path, made_by="")
        self._clock, self._cost, self._error = clock, cost, error

    def save(self, *args):
        self._clock.advance(self._cost)
        if self._error:
            raise self._error
        super().save(*args)


def opened(folder, payload):
    checkpoints = open_checkpoints(str(folder), CONFIG, payload)
    checkpoints.find()
    return checkpoints


def saved(tmp_path, clock, **how):
    made = Checkpoints(SlowFolder(tmp_path / "checkpoint", clock, **how), every=60.0, clock=clock)
    made.epochs.append(EPOCH)
    return made


def test_a_short_training_saves_none(tmp_path):
    clock = FakeClock()
    checkpoints = saved(tmp_path, clock)
    assert not checkpoints.due
    clock.advance(59.0)
    assert not checkpoints.due
    clock.advance(1.0)
    assert checkpoints.due


def test_saving_takes_a_fiftieth_of_the_time_at_most(tmp_path):
    clock = FakeClock()
    checkpoints = saved(tmp_path, clock, cost=3.0)
    clock.advance(60.0)
    checkpoints.save(1, {}, TENSORS, {})
    clock.advance(149.0)
    assert not checkpoints.due
    clock.advance(1.0)
    assert checkpoints.due


def test_none_is_saved_where_none_is_asked_for(tmp_path):
    assert not opened(tmp_path, {"seed": 0}).due
    assert opened(tmp_path, {"seed": 0, "checkpoint_every": 0}).due


def test_the_next_attempt_knows_what_was_told_and_for_how_long_it_was_trained(tmp_path):
    payload = {"seed": 0, "checkpoint_every": 0}
    first = opened(tmp_path, payload)
    first.epochs.append(EPOCH)
    first.save(1, {"more": 1}, TENSORS, {})
    second = opened(tmp_path, payload)
    assert (second.epochs, second.resumed) == ([EPOCH], [1])
    assert (second.found.epoch, second.found.state["more"]) == (1, 1)
    second.epochs.append({**EPOCH, "epoch": 2})
    second.save(2, {}, TENSORS, {})
    third = opened(tmp_path, payload)
    assert (len(third.epochs), third.resumed) == (2, [1, 2])


@pytest.mark.parametrize("change", [
    {"metric": "top5"}, {"keep_weights": True}, {"also_measure": ["train"]},
    {"pretrained": {"mine": {"sha256": "0123"}}}])
def test_another_training_is_begun_anew(tmp_path, capsys, change):
    payload = {"seed": 0, "checkpoint_every": 0}
    first = opened(tmp_path, payload)
    first.epochs.append(EPOCH)
    first.save(1, {}, TENSORS, {})
    second = opened(tmp_path, {**payload, **change})
    assert (second.found, second.epochs, second.resumed) == (None, [], [])
    assert not (tmp_path / "checkpoint").exists()
    assert "trains from its first epoch: the checkpoint is of another training" in \
        capsys.readouterr().out


def test_seconds_are_those_up_to_the_checkpoint_and_those_after_it(tmp_path):
    clock = FakeClock()
    first = saved(tmp_path, clock)
    clock.advance(60.0)
    first.save(1, {}, TENSORS, {})
    clock.advance(1000.0)  # lost
    second = saved(tmp_path, clock)
    second.find()
    clock.advance(5.0)
    assert second.seconds == 65.0
    second.forget("it does not fit")
    assert second.seconds == 0.0


def test_what_another_version_has_saved_is_not_gone_on_from(tmp_path, capsys):
    payload = {"seed": 0, "checkpoint_every": 0}
    first = opened(tmp_path, payload)
    first.save(1, {"told": {}}, TENSORS, {})
    assert opened(tmp_path, payload).found is None
    assert "the checkpoint is of another version" in capsys.readouterr().out


def test_a_moved_search_goes_on(tmp_path):
    payload = {"seed": 0, "checkpoint_every": 0}
    opened(tmp_path, payload).save(1, {}, TENSORS, {})
    moved = {"Global": {**CONFIG["Global"], "output_dir": "elsewhere"}}
    checkpoints = open_checkpoints(str(tmp_path), moved, payload)
    checkpoints.find()
    assert checkpoints.found is not None


@pytest.mark.parametrize(("error", "told"), [
    (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
    (PermissionError(errno.EACCES, "Permission denied"), "Permission denied")])
def test_one_that_cannot_be_written_does_not_end_the_training(tmp_path, capsys, error, told):
    clock = FakeClock()
    checkpoints = saved(tmp_path, clock, error=error)
    clock.advance(60.0)
    checkpoints.save(1, {}, TENSORS, {})
    clock.advance(600.0)
    assert not checkpoints.due
    assert "saves no checkpoints: " in (out := capsys.readouterr().out)
    assert told in out


class FakeTraining:
    """As ``open_training`` gives one; its ``train`` reports epochs from ``first`` on."""

    images, classes, list_mark, stopped, best = 8, 2, None, False, (0.5, 1)

    def __init__(self, options, first, error=None):
        self._options, self._first, self._error = options, first, error

    def train(self):
        if self._error:
            raise self._error
        for epoch in range(self._first, 4):
            self._options.on_epoch(EpochResult(epoch, 0.5, 8, {}))

    def versions(self):
        return {}

    def loaded(self):
        return None


def test_a_checkpoint_that_does_not_fit_is_deleted_and_the_trial_begins_anew(
        tmp_path, monkeypatch, capsys):
    payload = {"seed": 0, "checkpoint_every": 0}
    first = opened(tmp_path, payload)
    first.epochs.append(EPOCH)
    first.save(1, {}, TENSORS, {})
    begun, told = [], []

    @contextmanager
    def training(_config, *, options, **_):
        begun.append(options.checkpoints.found)
        yield FakeTraining(options, 1, ResumeFailed("it is of Paddle 1.0") if options.checkpoints
                           .found else None)

    monkeypatch.setattr(runner, "open_training", training)
    result = runner._trained(CONFIG, payload, path=str(tmp_path / "best_model.pdparams"),
                             home=None, report=lambda **one: told.append(one["epoch"]))
    assert ([one is None for one in begun], told) == ([False, True], [1, 2, 3])
    assert [epoch for epoch, _ in result["curve"]] == [1, 2, 3]
    assert "resumed" not in result
    assert "trains from its first epoch: it is of Paddle 1.0" in capsys.readouterr().out
    assert not (tmp_path / "checkpoint").exists()


@pytest.mark.parametrize(("ends", "kept"), [
    ({"value": 0.5, "curve": [[1, 0.5]]}, False), (TrialError("no"), False),
    (Diverged("nan"), False), (ValueError("a crash"), True), (MemoryError(), True)])
def test_the_checkpoint_of_a_job_is_deleted_with_its_result(tmp_path, ends, kept):
    (tmp_path / "checkpoint").mkdir()

    def run(_job, _report):
        if isinstance(ends, Exception):
            raise ends
        return ends

    job = {"number": 0, "attempt": 1, "directory": str(tmp_path), "payload": {}}
    RunningJob(job, lambda **_: None, lambda _: False).run(run)
    assert (tmp_path / "checkpoint").exists() == kept
