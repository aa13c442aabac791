"""What every ``executors.base.Executor`` must do. Inherit ``ExecutorSuite`` in a test and say how
one is made and how a job is told what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from paddle_transfer.executors.base import Ended, EpochReport, Event, Executor, Job
from paddle_transfer.study.trial_folder import TrialFolder

#: What a job may be told to do -> the verdict it must get.
VERDICTS = {"complete": "complete", "crash": "crashed", "kill": "killed", "diverge": "diverged",
            "invalid": "invalid", "memory": "out_of_memory"}


class ExecutorSuite:
    def make(self, folder: Path, *, slots: int) -> Executor:
        """An executor, also for jobs that ``job`` makes."""
        raise NotImplementedError

    def job(self, folder: Path, number: int, *, does: str = "complete", attempt: int = 1,
            epochs: int = 3) -> Job:
        """A job that evaluates ``epochs`` epochs and ends as ``does`` names, one of
        ``VERDICTS``."""
        raise NotImplementedError

    @pytest.fixture
    def make_executor(self, tmp_path):
        made: list[Executor] = []

        def make(slots: int) -> Executor:
            made.append(self.make(tmp_path, slots=slots))
            return made[-1]

        yield make
        for executor in made:
            executor.close()

    def run(self, executor: Executor, jobs: list[Job]) -> list[Event]:
        """All events of ``jobs``, run as slots become free."""
        events, jobs = [], list(jobs)
        for _ in range(10_000):
            while jobs and executor.free():
                executor.submit(jobs.pop(0))
            assert executor.free() + len(executor.running()) == executor.slots
            if not jobs and not executor.running():
                return events
            events += executor.poll(1.0)
        raise AssertionError(f"{executor.running()} never ended")

    @pytest.mark.parametrize("slots", [1, 2])
    def test_every_job_ends_once_after_its_reports(self, tmp_path, make_executor, slots):
        does = [*VERDICTS, "complete", *VERDICTS]
        jobs = [self.job(tmp_path, number, does=what) for number, what in enumerate(does)]
        events = self.run(make_executor(slots), jobs)
        for number, what in enumerate(does):
            mine = [event for event in events if event.number == number]
            assert [type(event) for event in mine].count(Ended) == 1
            assert isinstance(mine[-1], Ended)
            assert mine[-1].verdict == VERDICTS[what], mine[-1]
            epochs = [event.epoch for event in mine if isinstance(event, EpochReport)]
            assert epochs == sorted(set(epochs))
            assert epochs[:1] == [1]
            if what == "complete":
                assert epochs == [1, 2, 3]
                assert mine[-1].result["value"] == max(event.value for event in mine[:-1])
                assert [tuple(pair) for pair in mine[-1].result["curve"]] == [(e.epoch, e.value)
                                                                              for e in mine[:-1]]
            if what in ("complete", "diverge", "invalid"):  # on disk, whatever becomes of a search
                folder = TrialFolder(jobs[number].directory)
                assert folder.read_result(number, 1)["verdict"] == VERDICTS[what]
                assert folder.read_result(number, 2) is None
            if what in ("crash", "diverge", "invalid", "memory"):
                assert mine[-1].message
                assert mine[-1].log_tail

    def test_a_second_attempt_is_a_job_of_its_own(self, tmp_path, make_executor):
        executor = make_executor(1)
        first = self.run(executor, [self.job(tmp_path, 0, does="crash")])
        second = self.run(executor, [self.job(tmp_path, 0, attempt=2)])
        assert {event.attempt for event in first} == {1}
        assert {event.attempt for event in second} == {2}
        assert second[-1].verdict == "complete"

    def test_devices_are_held_by_one_job_each(self, tmp_path, make_executor):
        executor = make_executor(2)
        devices = [executor.submit(self.job(tmp_path, number)) for number in range(2)]
        assert len(set(devices)) == 2
        assert executor.free() == 0
        assert executor.running() == {0, 1}
        with pytest.raises(AssertionError):
            executor.submit(self.job(tmp_path, 2))

    def test_a_stop_ends_a_trial_with_what_it_has(self, tmp_path, make_executor):
        executor, events = make_executor(1), []
        executor.stop(0)  # nobody's: nothing happens
        executor.submit(self.job(tmp_path, 0, epochs=500))
        while not events:
            events = executor.poll(1.0)
        executor.stop(0)
        while executor.running():
            events += executor.poll(1.0)
        ended = events[-1]
        assert ended.verdict == "pruned"
        assert 0 < len(ended.result["curve"]) < 500
        assert self.run(executor, [self.job(tmp_path, 1)])[-1].verdict == "complete"

    def test_a_trial_can_be_stopped_before_it_has_begun(self, tmp_path, make_executor):
        executor, events = make_executor(1), []
        executor.submit(self.job(tmp_path, 0, epochs=500))
        executor.stop(0)
        while executor.running():
            events += executor.poll(1.0)
        assert events[-1].verdict == "pruned"
        assert len(events[-1].result["curve"]) == 1

    def test_close_may_come_at_any_time_and_twice(self, tmp_path, make_executor):
        executor = make_executor(2)
        executor.submit(self.job(tmp_path, 0, epochs=500))
        executor.close()
        executor.close()
