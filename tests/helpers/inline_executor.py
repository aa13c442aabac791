"""Executors that run their jobs in this process, at once: tiny ones (``tiny_runner``), for tests of
what follows from results, and real trainings, in a process that has Paddle. A search file names
them ``executor: {name: NAME}``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

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
from paddle_transfer.study.trial_folder import TrialFolder
from paddle_transfer.worker.jobs import RunningJob
from tests.helpers import tiny_runner

NAME = "tests.helpers.inline_executor:InlineExecutor"
TRAINS = "tests.helpers.inline_executor:InlineTraining"
CLUMSY = "tests.helpers.inline_executor:ClumsyExecutor"


class InlineExecutor(RegisteredExecutor):
    name = "inline"
    slots = 1

    def __init__(self):
        self._events: list[Event] = []

    @classmethod
    def build(cls, options: Options, context: ExecutorContext) -> InlineExecutor:
        del options, context
        return cls()

    def submit(self, job: Job) -> str:
        ids, said = (job.number, job.attempt), list[dict]()
        running = RunningJob(asdict(job), lambda **told: said.append(told), lambda _: False)
        verdict = running.run(self.run)
        self._events += [EpochReport(*ids, one["epoch"], one["value"], one["scalars"],
                                     one["images"]) for one in said if one["type"] == "epoch"]
        result = TrialFolder(Path(job.directory)).read_result(*ids)
        self._events.append(Ended(*ids, Verdict(verdict), result, said[-1]["message"]))
        return "cpu:0"

    def free(self) -> int:
        return 1 - len(self.running())

    def run(self, job: dict[str, Any], report: Callable[..., bool]) -> dict[str, Any]:
        """One job, as the runner of a worker does it."""
        return tiny_runner.run(job, report)

    def running(self) -> set[int]:
        return {event.number for event in self._events if isinstance(event, Ended)}

    def poll(self, timeout: float) -> list[Event]:
        del timeout
        events, self._events = self._events, []
        return events

    def stop(self, number: int) -> None:
        """Too late."""

    def close(self) -> None:
        """Nothing runs."""


class ClumsyExecutor(InlineExecutor):
    """Says everything twice, but nothing of the end of first attempts; every other one left no
    result."""

    def submit(self, job: Job) -> str:
        device = super().submit(job)
        if job.attempt == 1:
            self._events.pop()
            if job.number % 2 == 0:
                TrialFolder(job.directory).result.unlink()
        self._events *= 2
        return device


class InlineTraining(InlineExecutor):
    name = "inline training"

    def run(self, job: dict[str, Any], report: Callable[..., bool]) -> dict[str, Any]:
        from paddle_transfer.worker.runner import run  # Paddle

        return run(job, report)
