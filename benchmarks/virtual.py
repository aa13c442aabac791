"""Searches in virtual time: a clock that nobody waits for, and an executor whose trainings are
plays on it. What is left of a search is its driver."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from paddle_transfer.executors.base import Ended, EpochReport, Event, Job, Verdict
from paddle_transfer.worker.jobs import write_result

#: What the results of all plays have in common.
MEASURED = {"images": 400, "seconds": 1.0, "list": "0" * 64,
            "pretrained": {"short": "scratch", "loaded": 0, "total": 62}}
#: Polls without any event after which a search waits in vain.
_PATIENCE = 1000


class VirtualClock:
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
    """How one attempt goes: ``epochs`` reports, ``pace`` virtual seconds apart, then ``verdict``
    half of that later. The metric rises evenly to ``value``.

    :param verdict: of ``Verdict``, or ``hang``: it never ends
    :param writes: whether it leaves a result.json, as a real worker does before anything else
    """

    verdict: str = "complete"
    epochs: int = 3
    pace: float = 1.0
    value: float = 0.5
    writes: bool = True

    @property
    def curve(self) -> list[list[float]]:
        return [[epoch, self.value * epoch / self.epochs] for epoch in range(1, self.epochs + 1)]

    def cut(self, epochs: int) -> Play:
        """The same stopped on request after ``epochs``."""
        return replace(self, verdict="pruned", epochs=epochs,
                       value=self.value * epochs / self.epochs)

    def ended(self, job: Job) -> Ended:
        """The end of ``job``, with a result where the verdict has one."""
        final = self.verdict in ("complete", "pruned", "diverged", "invalid") and self.writes
        result: dict[str, Any] = {
            "number": job.number, "attempt": job.attempt, "verdict": self.verdict, "message": "",
            "curve": self.curve, "value": self.value, "best_epoch": self.epochs, **MEASURED}
        return Ended(job.number, job.attempt, Verdict(self.verdict), result if final else None,
                     f"played {self.verdict}", "the last line")


class VirtualExecutor:
    """An ``Executor`` that plays ``script(job)`` for every job and checks that it is used properly.

    ``log`` holds ("submit", number, attempt, device) and ("end", number, attempt, verdict);
    ``most`` the most jobs that were under way at once.
    """

    def __init__(self, *, slots: int = 2, clock: VirtualClock | None = None,
                 script: Callable[[Job], Play] = lambda _: Play(),
                 trial_timeout: float | None = None):
        self.slots, self.clock, self.script = slots, clock or VirtualClock(), script
        self.trial_timeout = trial_timeout
        self.log: list[tuple[str, int, int, str]] = []
        self.most, self.closed = 0, False
        self.jobs: dict[int, tuple[Job, str, Play]] = {}  # with device and play, by trial
        self._idle = 0
        self._devices = [f"cpu:{slot}" for slot in reversed(range(slots))]
        self._stopped: set[int] = set()
        self._queue: list[tuple[float, int, Job, Event]] = []
        self._order = itertools.count()

    # -- the protocol ----------------------------------------------------------------------------

    def submit(self, job: Job) -> str:
        assert not self.closed, "a closed executor runs nothing"
        assert self._devices, "more jobs than slots"
        assert job.number not in self.jobs, f"trial {job.number} is under way already"
        device, play = self._devices.pop(), self.script(job)
        self.jobs[job.number] = job, device, play
        self.most = max(self.most, len(self.jobs))
        self.log.append(("submit", job.number, job.attempt, device))
        self._stopped.discard(job.number)
        self.play(job, play)
        return device

    def free(self) -> int:
        return len(self._devices)

    def running(self) -> set[int]:
        return set(self.jobs)

    def poll(self, timeout: float) -> list[Event]:
        if not self._queue or self._queue[0][0] > self.clock.now + timeout:
            self._idle += not self._queue
            assert self._idle < _PATIENCE, f"{self.running()} are waited for in vain"
            self.clock.advance(timeout)
            return []
        return self.next_events()

    def stop(self, number: int) -> None:
        if number in self.jobs:
            self._stopped.add(number)

    def close(self) -> None:
        self.closed = True
        self.jobs.clear()
        self._queue.clear()

    # -- for scripts and those who misbehave -----------------------------------------------------

    def play(self, job: Job, play: Play) -> None:
        """Put the events of one attempt on the timeline."""
        overdue = self.trial_timeout
        for epoch, value in play.curve:
            at = epoch * play.pace
            if overdue is None or at < overdue:
                self.later(at, job, EpochReport(job.number, job.attempt, int(epoch), value,
                                                {"train/loss": 1.0 / epoch, "lr": 0.1},
                                                MEASURED["images"]))
        length = (play.epochs + 0.5) * play.pace
        if overdue is not None and (play.verdict == "hang" or length >= overdue):
            self.later(overdue, job, Ended(job.number, job.attempt, Verdict.TIMEOUT,
                                           message="took longer than trial_timeout"))
        elif play.verdict != "hang":
            self.later(length, job, play.ended(job))

    def later(self, seconds: float, job: Job, event: Event) -> None:
        heapq.heappush(self._queue, (self.clock.now + seconds, next(self._order), job, event))

    def next_events(self) -> list[Event]:
        """What comes next, with the time until then gone by; nothing when nothing is left."""
        if self._queue:
            self.clock.advance(max(0.0, self._queue[0][0] - self.clock.now))
        events: list[Event] = []
        while self._queue and self._queue[0][0] <= self.clock.now:
            _, _, job, event = heapq.heappop(self._queue)
            events += self.deliver(job, event)
        return events

    def holds(self, job: Job) -> bool:
        """Whether ``job`` is under way."""
        return job.number in self.jobs and self.jobs[job.number][0] is job

    def deliver(self, job: Job, event: Event) -> Sequence[Event]:
        """What ``poll`` hands out for a timeline's event."""
        if not self.holds(job):
            return []
        if isinstance(event, Ended):
            return [self.finish(job, event)]
        if event.number in self._stopped:
            return [event, self.finish(job, self.jobs[job.number][2].cut(event.epoch).ended(job))]
        return [event]

    def finish(self, job: Job, ended: Ended) -> Ended:
        if ended.result is not None and job.directory:
            write_result(Path(job.directory), ended.result)
        self.drop(job, ended.verdict)
        return ended

    def drop(self, job: Job, how: str) -> None:
        """Forget ``job``, which ended as ``how``."""
        self._devices.append(self.jobs.pop(job.number)[1])
        self.log.append(("end", job.number, job.attempt, how))
