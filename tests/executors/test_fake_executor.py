"""The simulated executor keeps the same promises as a real one, or tests with it would prove
nothing; so does one that does not, once it is made reliable."""

from __future__ import annotations

import math

import pytest

from paddle_transfer.executors.base import Ended, EpochReport, Job, Verdict
from paddle_transfer.executors.reliable import ReliableExecutor
from tests.helpers.executor_suite import VERDICTS, ExecutorSuite
from tests.helpers.fakes import Accident, FakeExecutor, Play, first_attempts


def script(job):
    does, epochs = job.payload["does"], job.payload["epochs"]
    return Play(VERDICTS[does], epochs=epochs if does == "complete" else 1)


def job_in(folder, number, *, does="complete", attempt=1, epochs=3):
    (folder / str(number)).mkdir(exist_ok=True)
    return Job(number, attempt, str(folder / str(number)), {"does": does, "epochs": epochs})


class TestFakeExecutor(ExecutorSuite):
    def make(self, _folder, *, slots):
        return FakeExecutor(slots=slots, script=script)

    def job(self, folder, number, **how):
        return job_in(folder, number, **how)


@pytest.mark.parametrize("accident", [
    Accident.NONE, Accident.TWICE, Accident.AFTER, Accident.NONFINITE], ids=str)
class TestReliableExecutor(ExecutorSuite):
    @pytest.fixture(autouse=True)
    def _choose(self, accident):
        self.accident = accident

    def make(self, _folder, *, slots):
        return ReliableExecutor(first_attempts(self.accident, slots=slots, script=script))

    def job(self, folder, number, **how):
        return job_in(folder, number, **how)


def events_of(tmp_path, accident, play=None):
    executor = ReliableExecutor(first_attempts(accident, slots=1, script=lambda _: play or Play()))
    executor.submit(job_in(tmp_path, 0))
    events = []
    while executor.running():
        events += executor.poll(1.0)
    return events


@pytest.mark.parametrize(("accident", "epochs", "verdict"), [
    (Accident.DISORDER, [3], "complete"), (Accident.LOST, [1, 2, 3], "killed"),
    (Accident.UNHEARD, [1, 2, 3], "complete"), (Accident.EMPTY, [1, 2, 3], "crashed")], ids=str)
def test_every_job_has_one_verdict(tmp_path, accident, epochs, verdict):
    *reports, ended = events_of(tmp_path, accident)
    assert [report.epoch for report in reports if isinstance(report, EpochReport)] == epochs
    assert (ended.verdict, ended.result is None) == (verdict, verdict != "complete")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_metric_that_is_no_number_is_no_result(tmp_path, value):
    (ended,) = events_of(tmp_path, Accident.NONE, Play(value=value))
    assert (ended.verdict, ended.message) == ("diverged", f"the metric was {value}")


def test_two_verdicts_are_a_fault_of_the_executor(tmp_path):
    fake = first_attempts(Accident.NONE)
    executor = ReliableExecutor(fake)
    executor.submit(job := job_in(tmp_path, 0))
    while executor.running():
        executor.poll(1.0)
    fake.tell(0.0, job, Ended(0, 1, Verdict.CRASHED))
    with pytest.raises(AssertionError, match="trial 0 ended as complete and then as crashed"):
        executor.poll(1.0)
