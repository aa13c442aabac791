"""The fake keeps the same promises as a real executor, or tests with it would prove nothing."""

from __future__ import annotations

from paddle_transfer.executors.base import Job
from tests.helpers.executor_suite import VERDICTS, ExecutorSuite
from tests.helpers.fakes import FakeExecutor, Play


class TestFakeExecutor(ExecutorSuite):
    def make(self, _folder, *, slots):
        return FakeExecutor(
            slots=slots, script=lambda job: Play(
                VERDICTS[job.payload["does"]], epochs=job.payload["epochs"]
                if job.payload["does"] == "complete" else 1))

    def job(self, folder, number, *, does="complete", attempt=1, epochs=3):
        (folder / str(number)).mkdir(exist_ok=True)
        return Job(number, attempt, str(folder / str(number)), {"does": does, "epochs": epochs})
