"""Stand-ins in virtual time (``benchmarks.virtual``, ``benchmarks.faulty``), for tests."""

from __future__ import annotations

from typing import Any

from benchmarks.faulty import Accident, FaultyExecutor
from benchmarks.virtual import Play
from benchmarks.virtual import VirtualClock as FakeClock
from benchmarks.virtual import VirtualExecutor as FakeExecutor
from paddle_transfer.executors.base import Event, Job

__all__ = ["Accident", "ExecutorThatDiesAt", "FakeClock", "FakeExecutor", "FaultyExecutor",
           "Killed", "Play", "first_attempts"]


class Killed(BaseException):
    """What a fake raises where a real process would be gone; no ``except Exception`` gets in its
    way."""


def first_attempts(accident: Accident, *, times: int = 1, **arguments: Any) -> FaultyExecutor:
    """An executor: the first ``times`` attempts of every trial meet with ``accident``."""
    return FaultyExecutor(accident=lambda job: accident if job.attempt <= times else Accident.NONE,
                          **arguments)


class ExecutorThatDiesAt(FakeExecutor):
    """The whole process is gone at the ``step``-th call of submit or poll; results due until then
    are on disk."""

    def __init__(self, *, step: int, **arguments: Any):
        super().__init__(**arguments)
        self.steps_left = step

    def _step(self) -> None:
        self.steps_left -= 1
        if self.steps_left < 0:
            raise Killed

    def submit(self, job: Job) -> str:
        self._step()
        return super().submit(job)

    def poll(self, timeout: float) -> list[Event]:
        events = super().poll(timeout)
        self._step()  # after the results were written, before anybody hears of them
        return events
