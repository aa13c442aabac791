"""An executor whose trainings cost nothing: they pass on a virtual clock, on as many workers as one
likes. What is left of a search is its driver."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, ClassVar

from typing_extensions import override

from paddle_transfer.config.validation import Options
from paddle_transfer.executors.base import (
    Ended,
    EpochReport,
    Event,
    ExecutorContext,
    Job,
    RegisteredExecutor,
    Verdict,
)

#: Epochs of a training.
EPOCHS = 3


class VirtualOptions(Options):
    """
    :param median: seconds of a training, log-normal
    :param spread: standard deviation of their logarithm
    :param driver: whether the time that the driver takes passes on the virtual clock, too
    """

    median: float = 1.0
    spread: float = 0.0
    driver: bool = False


class VirtualExecutor(RegisteredExecutor):
    """An ``Executor`` in virtual time.

    :param slots: workers
    """

    name = "virtual"
    options = VirtualOptions
    #: The one that was made last; what tells the driver's time.
    latest: ClassVar[VirtualExecutor]
    clock: ClassVar[Callable[[], float]] = staticmethod(time.perf_counter)

    def __init__(self, slots: int, options: VirtualOptions):
        self.slots, self._options, self._random = slots, options, Random(0)
        self.trainings: list[tuple[float, float]] = []  # (when it begins, seconds)
        self._now, self._left = 0.0, self.clock()
        self._devices = [f"cpu:{slot}" for slot in reversed(range(slots))]
        self._running: dict[int, str] = {}
        self._stopped: set[int] = set()
        self._due: list[tuple[float, int, int, Job]] = []  # (when, trial, epoch, job)

    @classmethod
    @override
    def build(cls, options: Options, context: ExecutorContext) -> VirtualExecutor:
        assert isinstance(options, VirtualOptions), "the registry made them"
        cls.latest = cls(len(context.devices), options)
        return cls.latest

    @property
    def busy(self) -> float:
        """The share (0..1) of worker time spent training while trials were left to begin: after
        that workers run out of work whatever the driver does."""
        end = self.trainings[-1][0]
        trained = sum(min(length, end - begun) for begun, length in self.trainings)
        return trained / (self.slots * end)

    def submit(self, job: Job) -> str:
        device = self._running[job.number] = self._devices.pop()
        options, now = self._options, self._clock()
        length = options.median * self._random.lognormvariate(0.0, options.spread)
        self.trainings.append((now, length))
        for epoch in range(1, EPOCHS + 1):
            heapq.heappush(self._due, (now + length * epoch / EPOCHS, job.number, epoch, job))
        return device

    def free(self) -> int:
        return len(self._devices)

    def running(self) -> set[int]:
        return set(self._running)

    def poll(self, timeout: float) -> list[Event]:  # noqa: ARG002
        self._now = max(self._clock(), self._due[0][0] if self._due else 0.0)
        events: list[Event] = []
        while self._due and self._due[0][0] <= self._now:
            _, number, epoch, job = heapq.heappop(self._due)
            if number not in self._running:
                continue  # stopped
            events.append(EpochReport(number, job.attempt, epoch, _value(number, epoch),
                                      {"train/loss": 1.0 / epoch, "lr": 0.1}, images=400))
            if epoch == EPOCHS or number in self._stopped:
                events.append(self._end(job, epoch))
        self._left = self.clock()
        return events

    def stop(self, number: int) -> None:
        self._stopped.add(number)

    def close(self) -> None:
        self._due.clear()
        self._running.clear()

    def _clock(self) -> float:
        spent = self.clock() - self._left if self._options.driver else 0.0
        return self._now + spent

    def _end(self, job: Job, epoch: int) -> Ended:
        self._devices.append(self._running.pop(job.number))
        verdict = Verdict.PRUNED if epoch < EPOCHS else Verdict.COMPLETE
        curve: Sequence[tuple[int, float]] = [(one, _value(job.number, one))
                                              for one in range(1, epoch + 1)]
        result: dict[str, Any] = {
            "number": job.number, "attempt": job.attempt, "verdict": str(verdict), "message": "",
            "curve": curve, "value": curve[-1][1], "best_epoch": epoch, "images": 400,
            "seconds": 1.0, "list": "0" * 64,
            "pretrained": {"short": "scratch", "loaded": 0, "total": 62}}
        return Ended(job.number, job.attempt, verdict, result=result)


def _value(number: int, epoch: int) -> float:
    """The metric of an epoch: spread over trials, better from epoch to epoch."""
    return (0.5 + 0.4 * (number * 0.6180339887 % 1.0)) * epoch / EPOCHS
