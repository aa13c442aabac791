"""Whole parallel searches in virtual time."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from paddle_transfer.errors import DiskFull
from paddle_transfer.loop.driver import Driver
from paddle_transfer.loop.trial_folder import TrialFolders
from paddle_transfer.samplers.registry import make_sampler
from paddle_transfer.study.journal import Journal
from paddle_transfer.study.optuna_store import OptunaStore
from paddle_transfer.study.records import TrialRecord
from paddle_transfer.study.store import open_store
from paddle_transfer.study.trial_folder import TrialFolder
from tests.helpers.fakes import (
    Accident,
    ExecutorThatDiesAt,
    FakeExecutor,
    Killed,
    Play,
    first_attempts,
)
from tests.helpers.tiny_search import tiny_settings
from tests.helpers.virtual_search import scheduler_of


class Watcher:
    """A callback that records its calls."""

    def __init__(self):
        self.calls = []

    def search_started(self, records):
        self.calls.append(("search_started", len(records)))

    def trial_started(self, record, device):
        self.calls.append(("trial_started", record.number, record.attempts, device))

    def epoch_reported(self, record, report):
        self.calls.append(("epoch_reported", record.number, report.epoch))

    def trial_ended(self, record, records):
        assert records[record.number] == record
        self.calls.append(("trial_ended", record.number, record.state))

    def search_ended(self, records, reason):
        self.calls.append(("search_ended", len(records), reason))


class Table:
    """A search in a folder with a fake executor; ``run`` is what one process does."""

    def __init__(self, folder, **settings):
        self.settings = tiny_settings(folder, **settings)
        self.executors = []

    def store(self):
        return open_store(output_dir=self.settings.output_dir, space=self.settings.space)

    def run(self, executor=None, *, store=None, **arguments):
        executor = executor or FakeExecutor()
        self.executors.append(executor)
        trial_folders = TrialFolders(self.settings.output_dir,
                                     write_config=lambda _, path: path.write_text("{}"))
        sampler = make_sampler(self.settings.search_mode,
                               allow_repeats=not self.settings.de_duplication)
        rule = {"stop_rule": arguments.pop("stop_rule", None)}
        return Driver(scheduler=scheduler_of(self.settings, sampler, **rule),
                      store=store or self.store(), executor=executor,
                      trial_folders=trial_folders, **arguments).run()

    def check(self, *, states=("complete",)):
        """The invariants of every search that has ended; its records."""
        records = self.store().records()
        points = [self.settings.space.index(record.point) for record in records]
        assert sorted(points) == list(range(self.settings.space.size)), "every point once"
        assert {record.state for record in records} <= set(states)
        for record in records:
            kept = TrialFolder.of(self.settings.output_dir, record.number).record
            assert TrialRecord.from_plain(json.loads(kept.read_text())) == record
        for executor in self.executors:
            assert executor.most <= executor.slots
            held = {}
            for what, number, _attempt, detail in executor.log:
                if what == "submit":
                    assert detail not in held.values(), f"device {detail} held twice"
                    held[number] = detail
                else:
                    held.pop(number, None)
        return records

    def ends(self):
        return Counter((number, attempt) for executor in self.executors
                       for what, number, attempt, _ in executor.log if what == "end")


@pytest.fixture
def table(tmp_path):
    return Table(tmp_path)


@pytest.mark.parametrize("slots", [1, 2, 3, 8])
def test_a_grid_is_run_once_and_on_all_slots(table, slots):
    executor = FakeExecutor(slots=slots)
    assert table.run(executor) == "all 6 points of the space were evaluated"
    records = table.check()
    assert [record.attempts for record in records] == [1] * 6
    assert executor.most == min(slots, 6)
    assert records[0].curve == ((1, 0.5 / 3), (2, 1 / 3), (3, 0.5))
    assert records[0].info["best_epoch"] == 3
    assert records[0].info["device"] == "cpu:0"


def test_time_is_used_well(table):
    executor = FakeExecutor(slots=2, script=lambda job: Play(pace=10.0 if job.number == 0 else 1.0))
    table.run(executor)
    assert executor.clock.now == pytest.approx(35.0)  # one long trial beside five short ones


def test_callbacks_are_called_in_order(table):
    watcher = Watcher()
    table.run(FakeExecutor(slots=1), callbacks=[watcher])
    assert watcher.calls[:6] == [("search_started", 0), ("trial_started", 0, 1, "cpu:0"),
                                ("epoch_reported", 0, 1), ("epoch_reported", 0, 2),
                                ("epoch_reported", 0, 3), ("trial_ended", 0, "complete")]
    assert watcher.calls[-1] == ("search_ended", 6, "all 6 points of the space were evaluated")


def test_a_callback_with_a_mistake_is_switched_off_and_the_search_goes_on(table, capsys):
    class Broken(Watcher):
        def epoch_reported(self, _record, _report):
            self.calls.append("epoch_reported")
            raise ZeroDivisionError("a deliberate mistake")

    broken, watcher = Broken(), Watcher()
    table.run(callbacks=[broken, watcher])
    table.check()
    assert broken.calls.count("epoch_reported") == 1
    assert watcher.calls[-1][0] == "search_ended"
    assert "Broken failed in epoch_reported and is switched off" in capsys.readouterr().err


@pytest.mark.parametrize(
    "accident", [one for one in Accident if one is not Accident.HANGS], ids=str)
@pytest.mark.parametrize("slots", [1, 3])
def test_accidents_change_no_result(table, accident, slots):
    watcher = Watcher()
    table.run(first_attempts(accident, slots=slots), callbacks=[watcher])
    records = table.check()
    assert all(record.curve == ((1, 0.5 / 3), (2, 1 / 3), (3, 0.5)) and record.value == 0.5
               for record in records)
    assert Counter(call[1] for call in watcher.calls if call[0] == "trial_ended") == Counter(
        range(6))
    told = [call[2] for call in watcher.calls if call[0] == "epoch_reported" and call[1] == 0]
    assert set(told) <= {1, 2, 3}, "what is late is heard by nobody"
    assert len(told) <= 6
    again = accident.is_crash or accident in (Accident.KILLED, Accident.LOST)
    assert {record.attempts for record in records} == {2 if again else 1}


def test_a_crash_is_tried_once_more_and_then_recorded_with_its_log(table):
    table.run(FakeExecutor(script=lambda job: Play("crashed" if job.number == 2 else "complete",
                                                   epochs=1)))
    record = table.check(states=("complete", "failed"))[2]
    assert (record.state, record.value, record.attempts) == ("failed", None, 2)
    assert record.info["reason"] == "crashed again after a retry: played crashed"
    assert record.info["log_tail"] == "the last line"
    assert len(record.info["tries"]) == 2


def test_crashes_are_counted_across_restarts(table):
    def first_only(job):
        return Play("crashed" if job.attempt == 1 else "hang")

    with pytest.raises(Killed):
        table.run(ExecutorThatDiesAt(step=12, script=first_only))
    assert table.store().records()[0].attempts == 2
    table.run(FakeExecutor(script=lambda job: Play("crashed" if job.number < 2 else "complete")))
    records = table.check(states=("failed", "complete"))
    assert [(record.attempts, record.state) for record in records[:2]] == [(3, "failed")] * 2


def test_a_kill_is_no_crash(table):
    verdicts = {1: "killed", 2: "crashed", 3: "complete"}
    table.run(FakeExecutor(script=lambda job: Play(verdicts[job.attempt])))
    assert [record.attempts for record in table.check()] == [3] * 6


class Killing:
    """A script whose first attempts are killed after their last epoch, with a checkpoint of epoch
    ``saved``."""

    def __init__(self, *, saved=2, verdict="killed"):
        self.saved, self.verdict = saved, verdict

    def __call__(self, job):
        if job.attempt > 1:
            return Play()
        folder = Path(job.directory) / "checkpoint"
        folder.mkdir()
        (folder / "state.json").write_text(f'{{"epoch": {self.saved}}}')
        return Play(self.verdict)


class Asked:
    """A pruner that stops nothing."""

    def __init__(self):
        self.about = []

    def should_stop(self, record, _records):
        self.about.append((record.number, record.attempts, record.curve[-1][0]))
        return False


@pytest.mark.parametrize("verdict", ["killed", "crashed"])
def test_epochs_before_a_checkpoint_are_kept_and_told_once_an_attempt(table, verdict):
    watcher, pruner, store = Watcher(), Asked(), table.store()
    written, report = [], store.report_epoch
    store.report_epoch = lambda number, *, epoch, value: written.append(
        (number, epoch)) or report(number, epoch=epoch, value=value)
    table.run(FakeExecutor(slots=1, script=Killing(verdict=verdict)), store=store,
              callbacks=[watcher], pruner=pruner)
    assert all(record.curve == ((1, 0.5 / 3), (2, 1 / 3), (3, 0.5)) for record in table.check())
    assert written == [(number, epoch) for number in range(6) for epoch in (1, 2, 3, 3)]
    assert watcher.calls[1:9] == [
        ("trial_started", 0, 1, "cpu:0"), *(("epoch_reported", 0, epoch) for epoch in (1, 2, 3)),
        ("trial_started", 0, 2, "cpu:0"), *(("epoch_reported", 0, epoch) for epoch in (1, 2, 3))]
    # of the last epoch before the checkpoint again: its answer may have been lost
    assert pruner.about[:6] == [(0, 1, 1), (0, 1, 2), (0, 1, 3), (0, 2, 2), (0, 2, 3), (1, 1, 1)]


def test_the_checkpoint_of_a_trial_that_has_ended_is_deleted(table):
    table.run(FakeExecutor(script=Killing()))
    assert not list(Path(table.settings.output_dir).glob("trials/*/checkpoint"))


def test_a_trial_with_half_the_batch_goes_on_from_no_checkpoint(table):
    attempts = []

    def script(job):
        attempts.append((Path(job.directory) / "checkpoint").exists())
        return Killing(verdict="out_of_memory")(job)

    table.run(FakeExecutor(slots=1, script=script), why_not_halved=lambda _: "")
    assert [record.attempts for record in table.check()] == [2] * 6
    assert not any(attempts)


def test_another_curve_after_a_checkpoint_that_was_of_no_use_replaces_the_first(table):
    executor = FakeExecutor(script=lambda job: Killing()(job) if job.attempt == 1 else Play(
        value=0.9))
    table.run(executor)
    assert all(record.curve == ((1, 0.9 / 3), (2, 0.6), (3, 0.9)) for record in table.check())


def test_a_worker_that_is_killed_again_and_again_is_given_up(table):
    table.run(first_attempts(Accident.KILLED, times=3))
    assert [record.attempts for record in table.check()] == [4] * 6


def test_killed_four_times_is_failed(table):
    table.run(FakeExecutor(script=lambda job: Play("complete" if job.number else "killed")))
    record = table.check(states=("failed", "complete"))[0]
    assert record.attempts == 4
    assert record.info["reason"].startswith("killed 4 times")


@pytest.mark.parametrize(("verdict", "state"), [("diverged", "diverged"), ("invalid", "failed")])
def test_what_would_end_the_same_way_again_is_not_tried_again(table, verdict, state):
    table.run(FakeExecutor(script=lambda job: Play(verdict if job.number == 1 else "complete")))
    record = table.check(states=("complete", state))[1]
    assert (record.state, record.attempts, record.value) == (state, 1, None)
    assert record.curve


def test_a_hanging_trial_times_out(table):
    executor = FakeExecutor(trial_timeout=60,
                            script=lambda job: Play("hang" if job.number == 1 else "complete"))
    table.run(executor)
    record = table.check(states=("complete", "failed"))[1]
    assert record.info["reason"] == "timed out: took longer than trial_timeout"
    assert record.attempts == 1
    assert executor.clock.now < 100


def test_a_pruner_that_fails_is_switched_off_in_one_line(table, capsys):
    class Broken:
        calls = 0

        def should_stop(self, *_):
            self.calls += 1
            raise ZeroDivisionError("no rung of 0 trials")

    broken = Broken()
    table.run(FakeExecutor(slots=1), pruner=broken)
    table.check()
    assert broken.calls == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("the pruner failed and is switched off; the search goes on: "
                           "ZeroDivisionError: no rung of 0 trials (test_driver.py, line ")


def test_a_pruner_ends_a_trial_early(table):
    class Hopeless:
        def should_stop(self, record, _records):
            return record.number == 1 and len(record.curve) == 2

    executor = FakeExecutor(script=lambda _: Play(epochs=5))
    table.run(executor, pruner=Hopeless())
    record = table.check(states=("complete", "pruned"))[1]
    assert record.state == "pruned"
    assert len(record.curve) == 3
    assert record.value == record.curve[-1][1]


def test_a_stop_rule_ends_the_search_after_the_trials_under_way(table):
    class Enough:
        def done(self, records):
            return "enough" if sum(record.finished for record in records) >= 2 else None

    assert table.run(stop_rule=Enough()) == "enough"
    records = table.store().records()
    assert all(record.finished for record in records)
    assert 2 <= len(records) < 6


def test_asked_to_stop_it_leaves_trials_as_they_are_and_goes_on_later(table):
    watcher = Watcher()

    def seen():
        return ("epoch_reported", 2, 1) in watcher.calls

    assert table.run(callbacks=[watcher], interrupted=seen) == "interrupted"
    assert watcher.calls[-1][2] == "interrupted"
    left = [record for record in table.store().records() if not record.finished]
    assert left
    table.run()
    assert all(table.check()[record.number].attempts == 2 for record in left)


def test_search_times_trains_every_point_with_several_seeds(tmp_path):
    table = Table(tmp_path, search_times=3, seed=5)
    table.run()
    records = table.store().records()
    seeds = Counter((table.settings.space.key(record.point), record.seed) for record in records)
    assert len(seeds) == 18
    assert set(seeds.values()) == {1}
    assert {seed for _, seed in seeds} == {5, 6, 7}
    assert [record.suggestion for record in records] == [i // 3 for i in range(18)]


def test_de_duplication_reuses_and_counts(tmp_path):
    table = Table(tmp_path, search_mode="random", max_iter=12, values={"a": list(range(10))})
    watcher = Watcher()
    table.run(callbacks=[watcher])
    records = table.store().records()
    reused = [record for record in records if record.reused is not None]
    assert len(records) == 12
    assert reused
    assert len(table.ends()) == 12 - len(reused)
    assert all(
        record.point == records[record.reused].point and record.attempts == 0 for record in reused)
    assert Counter(call[1] for call in watcher.calls if call[0] == "trial_ended") == Counter(
        range(12))


# -- a kill at every moment ------------------------------------------------------------------------

class DyingJournal(Journal):
    """The process is gone at the ``step``-th write: before it, in the middle of its line, or right
    after it."""

    def __init__(self, path, *, step, how, error=Killed):
        self.left, self.how, self.error = step, how, error
        super().__init__(path, repair=True)

    def write(self, data):
        self.left -= 1
        if self.left == 0:
            if self.how == "after":
                super().write(data)
            elif self.how == "torn":
                with open(self.path, "ab") as file:
                    file.write(b'{"op_code": 4, "trial')
            raise self.error
        return super().write(data)


def run_and_die(table, *, step, how, error=Killed, script):
    from paddle_transfer.study.store import JOURNAL_NAME, JOURNAL_STUDY

    path = f"{table.settings.output_dir}/{JOURNAL_NAME}"
    journal = DyingJournal(path, step=step, how=how, error=error)
    store = OptunaStore(journal, name=JOURNAL_STUDY, space=table.settings.space)
    table.run(FakeExecutor(script=script), store=store)


def finishes(table):
    """How often each trial came to its end, over all processes (a real training's "finished")."""
    return Counter(number for number, _ in table.ends())


@pytest.mark.parametrize("how", ["before", "torn", "after"])
def test_a_kill_at_any_write_changes_nothing(tmp_path, how):
    step, died = 1, True
    while died:
        (tmp_path / str(step)).mkdir()
        table = Table(tmp_path / str(step), values={"a": [1, 2, 3]})
        try:
            run_and_die(table, step=step, how=how, script=lambda _: Play(epochs=2))
            died = False
        except Killed:
            table.run()
        table.check()
        assert set(finishes(table).values()) == {1}, f"trained twice after a kill at write {step}"
        step += 1
    assert step > 20  # it did die at all of them


def test_kills_one_after_the_other_change_nothing(table):
    for step in range(2, 14):
        with suppress(Killed):
            table.run(ExecutorThatDiesAt(step=step))
    table.run()
    table.check()
    assert set(finishes(table).values()) == {1}


@pytest.mark.parametrize("mode", ["random", "bayes"])
def test_a_killed_search_tries_the_same_points_as_one_that_was_not(tmp_path, mode):
    """One trial at a time: then what a sampler knows does not depend on time."""
    fields = {"search_mode": mode, "max_iter": 8,
              "values": {"a": [0.1, 0.2, 0.3, 0.4], "b": [1, 2, 3, 4, 5]}}
    points = []
    for name, deaths in (("undisturbed", []), ("killed", [3, 4, 7, 9])):
        (tmp_path / name).mkdir()
        table = Table(tmp_path / name, **fields)
        for step in deaths:
            with pytest.raises(Killed):
                table.run(ExecutorThatDiesAt(step=step, slots=1))
        table.run(FakeExecutor(slots=1))
        points.append([record.point for record in table.store().records()])
    assert points[0] == points[1]


@pytest.mark.parametrize("step", [2, 5, 9, 14])
def test_a_full_disk_is_said_and_the_search_goes_on_later(table, step):
    import errno

    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(DiskFull, match=r"disk full.*same command again"):
        run_and_die(table, step=step, how="before", error=full, script=lambda _: Play())
    table.run()
    table.check()
    assert set(finishes(table).values()) == {1}


def test_a_crash_on_a_full_disk_is_not_the_trials_fault(table, monkeypatch):
    monkeypatch.setattr(TrialFolders, "check_room", lambda _:
                        (_ for _ in ()).throw(DiskFull("disk full")))
    with pytest.raises(DiskFull):
        table.run(FakeExecutor(script=lambda _: Play("crashed")))
    monkeypatch.undo()
    table.run()
    assert all("tries" not in record.info for record in table.check())


def short_of_memory(job):
    """The first trial never has enough, the second when it has been told to take less."""
    return Play("out_of_memory" if job.number == 0 or (job.number, job.attempt) == (1, 1)
                else "complete", epochs=1)


def test_out_of_memory_is_tried_once_more_with_half_the_batch(table):
    table.run(FakeExecutor(script=short_of_memory))
    first, second, *others = table.check(states=("failed", "complete"))
    assert (first.attempts, first.accumulate, first.state) == (2, 2, "failed")
    assert first.info["reason"] == (
        "out of memory: played out_of_memory; with half the batch, too. A smaller batch_size or "
        "resolution, AMP, or fewer trials at once take less")
    assert (second.attempts, second.accumulate, second.state) == (2, 2, "complete")
    assert [(one["verdict"], one["accumulate"]) for one in second.info["tries"]] == [
        ("out_of_memory", 2)]
    assert {(one.attempts, one.accumulate) for one in others} == {(1, 1)}


def test_what_cannot_be_halved_is_recorded_with_the_reason(table):
    asked = []

    def why_not(record):
        asked.append(record.number)
        return "a batch of 7 cannot be halved"

    table.run(FakeExecutor(script=short_of_memory), why_not_halved=why_not)
    first, second, *_ = table.check(states=("failed", "complete"))
    assert asked == [0, 1]
    assert (first.attempts, first.accumulate) == (second.attempts, second.accumulate) == (1, 1)
    assert "; not tried with half the batch: a batch of 7 cannot be halved. A smaller" in (
        first.info["reason"])
    assert first.info["verdict"] == "out_of_memory"


def test_a_crash_with_half_the_batch_is_tried_again_with_half(table):
    verdicts = {1: "out_of_memory", 2: "crashed", 3: "complete"}
    table.run(FakeExecutor(script=lambda job: Play(verdicts[job.attempt])))
    assert {(one.attempts, one.accumulate) for one in table.check()} == {(3, 2)}
