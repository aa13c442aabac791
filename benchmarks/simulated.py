"""The executor of ``benchmark.py driver``: trainings that cost nothing, on as many workers as one
likes."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import ClassVar

from typing_extensions import override

from benchmarks.virtual import Play, VirtualExecutor
from paddle_transfer.config.validation import Options
from paddle_transfer.executors.base import Ended, Event, ExecutorContext, Job, RegisteredExecutor

#: Epochs of a training.
EPOCHS = 3


class SimulatedOptions(Options):
    """
    :param median: seconds of a training, log-normal
    :param spread: standard deviation of their logarithm
    :param driver: whether the time that the driver takes passes on the virtual clock, too
    """

    median: float = 1.0
    spread: float = 0.0
    driver: bool = False


class SimulatedExecutor(VirtualExecutor, RegisteredExecutor):
    """A ``VirtualExecutor`` that writes no results.

    :param slots: workers
    """

    name = "simulated"
    options = SimulatedOptions
    #: The one that was made last; what tells the driver's time.
    latest: ClassVar[SimulatedExecutor]
    read: ClassVar[Callable[[], float]] = staticmethod(time.perf_counter)

    def __init__(self, slots: int, options: SimulatedOptions):
        super().__init__(slots=slots, script=self._play)
        self._options, self._random = options, Random(0)
        self.trainings: list[tuple[float, float]] = []  # (when it begins, seconds)
        self._left = self.read()

    @classmethod
    @override
    def build(cls, options: Options, context: ExecutorContext) -> SimulatedExecutor:
        assert isinstance(options, SimulatedOptions), "the registry made them"
        cls.latest = cls(len(context.devices), options)
        return cls.latest

    @property
    def busy(self) -> float:
        """The share (0..1) of worker time spent training while trials were left to begin: after
        that workers run out of work whatever the driver does."""
        end = self.trainings[-1][0]
        trained = sum(min(length, end - begun) for begun, length in self.trainings)
        return trained / (self.slots * end)

    @override
    def submit(self, job: Job) -> str:
        self._pass_time()
        return super().submit(job)

    @override
    def poll(self, timeout: float) -> list[Event]:
        self._pass_time()
        events = self.next_events()
        self._left = self.read()
        return events

    @override
    def finish(self, job: Job, ended: Ended) -> Ended:
        self.drop(job, ended.verdict)
        return ended

    def _play(self, job: Job) -> Play:
        """A training whose metric is spread over trials, better from epoch to epoch."""
        length = self._options.median * self._random.lognormvariate(0.0, self._options.spread)
        self.trainings.append((self.clock.now, length))
        return Play(epochs=EPOCHS, pace=length / (EPOCHS + 0.5),
                    value=0.5 + 0.4 * (job.number * 0.6180339887 % 1.0))

    def _pass_time(self) -> None:
        if self._options.driver:
            self.clock.advance(self.read() - self._left)
            self._left = self.read()
