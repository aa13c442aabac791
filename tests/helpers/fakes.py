"""Stand-ins that misbehave by name, and a clock that nobody waits for: whole searches run in
virtual time."""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paddle_transfer.executors.base import Ended, EpochReport, Event, Job


class Killed(BaseException):
    """What a fake raises where a real process would be gone; no ``except Exception`` gets in its
    way."""


class FakeClock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds


@dataclass(frozen=True)
class Play:
    """How one attempt goes: ``epochs`` reports, ``pace`` virtual seconds apart, then ``verdict``.
    ``hang``: no end.

    ``writes`` is whether a result.json is left for a final verdict, as a real worker does before
    anything else.
    """

    verdict: str = "complete"
    epochs: int = 3
    pace: float = 1.0
    value: float = 0.5
    writes: bool = True


class FakeExecutor:
    """An ``Executor`` in virtual time that plays ``script(job)`` for every job and checks that it
    is used properly.

    ``log`` holds ("submit", number, attempt, device) and ("end", number, attempt, verdict);
    ``most`` the most jobs that were under way at once.
    """
    def __init__(self, *, slots: int = 2, clock: FakeClock | None = None,
                 script: Callable[[Job],
                                  Play] = lambda _: Play(), trial_timeout: float | None = None):
        self.slots, self.clock, self.script, self.trial_timeout = slots, clock or FakeClock(
        ), script, trial_timeout
        self.log: list[tuple] = []
        self.most = 0
        self.closed = False
        self._idle = 0
        self._jobs: dict[int, tuple[Job, str]] = {}
        self._stopped: set[int] = set()
        self._queue: list[tuple[float, int, Job, Event]] = []
        self._order = itertools.count()

    # -- the protocol
    # --------------------------------------------------------------------------------------------

    def submit(self, job: Job) -> str:
        assert not self.closed, "a closed executor runs nothing"
        assert self.free() > 0, "more jobs than slots"
        assert job.number not in self._jobs, f"trial {job.number} is under way already"
        taken = {device for _, device in self._jobs.values()}
        device = next(f"cpu:{i}" for i in range(self.slots) if f"cpu:{i}" not in taken)
        self._jobs[job.number] = (job, device)
        self.most = max(self.most, len(self._jobs))
        self.log.append(("submit", job.number, job.attempt, device))
        self._stopped.discard(job.number)
        self.play(job, self.script(job))
        return device

    def free(self) -> int:
        return self.slots - len(self._jobs)

    def running(self) -> set[int]:
        return set(self._jobs)

    def poll(self, timeout: float) -> list[Event]:
        until = self.clock.now + timeout
        if not self._queue or self._queue[0][0] > until:
            self._idle += not self._queue
            assert self._idle < 1000, f"nothing happens: {self.running()} are waited for in vain"
            self.clock.advance(timeout)
            return []
        self.clock.advance(max(0.0, self._queue[0][0] - self.clock.now))
        events: list[Event] = []
        while self._queue and self._queue[0][0] <= self.clock.now:
            _, _, job, event = heapq.heappop(self._queue)
            events += self.deliver(job, event)
        return events

    def stop(self, number: int) -> None:
        if number in self._jobs:
            self._stopped.add(number)

    def close(self) -> None:
        self.closed = True
        self._jobs.clear()
        self._queue.clear()

    # -- for scripts and those who misbehave
    # ---------------------------------------------------------------------

    def play(self, job: Job, play: Play) -> None:
        """Put the events of one attempt on the timeline."""
        begun, overdue = self.clock.now, self.trial_timeout
        for epoch in range(1, play.epochs + 1):
            at = epoch * play.pace
            if overdue is None or at < overdue:
                self.later(at, job, EpochReport(job.number, job.attempt, epoch,
                                                play.value * epoch / play.epochs))
        length = (play.epochs + 0.5) * play.pace
        if overdue is not None and (play.verdict == "hang" or length >= overdue):
            self.later(overdue, job, Ended(job.number, job.attempt, "timeout",
                                           message="took longer than trial_timeout"))
        elif play.verdict != "hang":
            self.later(length, job, self.ended(job, play))
        assert self.clock.now == begun

    def later(self, seconds: float, job: Job, event: Event) -> None:
        heapq.heappush(self._queue, (self.clock.now + seconds, next(self._order), job, event))

    def ended(self, job: Job, play: Play) -> Ended:
        curve = [[epoch, play.value * epoch / play.epochs] for epoch in range(1, play.epochs + 1)]
        result = {"number": job.number, "attempt": job.attempt, "verdict": play.verdict,
                  "message": "", "curve": curve, "value": play.value, "best_epoch": play.epochs,
                  "seconds": play.epochs * play.pace}
        final = play.verdict in ("complete", "pruned", "diverged", "invalid") and play.writes
        return Ended(job.number, job.attempt, play.verdict, result=result if final else None,
                     message=f"played {play.verdict}", log_tail="the last line")

    def deliver(self, job: Job, event: Event) -> list[Event]:
        """What ``poll`` hands out for a timeline's event."""
        held = self._jobs.get(event.number)
        if held is None or held[0] != job:
            return []
        if isinstance(event, EpochReport):
            if event.number in self._stopped:
                self._drop(job)
                return [
                    event, self.finish(job, self.ended(job,
                                                       Play("pruned", epochs=event.epoch,
                                                            value=event.value)))]
            return [event]
        return [self.finish(job, event)]

    def finish(self, job: Job, ended: Ended) -> Ended:
        if ended.result is not None:
            write_result(job, ended.result)
        self._jobs.pop(job.number, None)
        self.log.append(("end", ended.number, ended.attempt, ended.verdict))
        return ended

    def _drop(self, job: Job) -> None:
        self._queue = [entry for entry in self._queue if entry[2] != job]
        heapq.heapify(self._queue)


def write_result(job: Job, result: dict[str, Any]) -> None:
    (Path(job.directory) / "result.json").write_text(json.dumps(result), encoding="utf-8")


class ExecutorThatLosesResults(FakeExecutor):
    """Never says that a first attempt has ended; the job is simply gone. Every other one left its
    result on disk."""

    def deliver(self, job: Job, event: Event) -> list[Event]:
        if isinstance(event, Ended) and job.attempt == 1:
            if job.number % 2:
                super().deliver(job, event)
            elif self._jobs.pop(job.number, None):
                self.log.append(("end", job.number, job.attempt, "lost"))
            return []
        return super().deliver(job, event)


class ExecutorThatDoublesResults(FakeExecutor):
    """Says everything twice: at once, and again ten seconds later."""

    def deliver(self, job: Job, event: Event) -> list[Event]:
        known = self._jobs.get(event.number)
        if known is None or known[0] != job:
            return [event]  # the echo of a job that has ended
        events = super().deliver(job, event)
        for echo in events:
            self.later(10.0, job, echo)
        return [*events, *events]


class ExecutorThatCrashesOnce(FakeExecutor):
    """The first attempt of every trial crashes."""

    def play(self, job: Job, play: Play) -> None:
        super().play(job, Play("crashed", epochs=2) if job.attempt == 1 else play)


class WorkerKilledMidEpoch(FakeExecutor):
    """Every trial's worker is killed, with one epoch reported, in its first ``times`` attempts."""

    def __init__(self, *, times: int = 1, **arguments: Any):
        super().__init__(**arguments)
        self.times = times

    def play(self, job: Job, play: Play) -> None:
        super().play(job, Play("killed", epochs=1) if job.attempt <= self.times else play)


class ExecutorThatReportsLate(FakeExecutor):
    """First attempts crash, and more of their epochs come in while the second attempt is under
    way."""

    def play(self, job: Job, play: Play) -> None:
        if job.attempt == 1:
            super().play(job, Play("crashed", epochs=1))
            for epoch in (7, 8, 9):
                self.later(1.6 + 0.1 * epoch, job, EpochReport(job.number, 1, epoch, 0.99))
        else:
            super().play(job, play)

    def deliver(self, job: Job, event: Event) -> list[Event]:
        late = isinstance(event, EpochReport) and event.epoch >= 7
        return [event] if late else super().deliver(job, event)


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
