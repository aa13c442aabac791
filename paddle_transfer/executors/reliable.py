"""What a search makes of any executor's events: one verdict for every job, whatever is lost, said
twice, too late, in another order, or is no number."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from paddle_transfer.executors.base import Ended, EpochReport, Event, Executor, Job, Verdict
from paddle_transfer.executors.verdict import ended_by
from paddle_transfer.study.trial_folder import TrialFolder, is_valid


class ReliableExecutor:
    """An ``Executor`` that keeps the duties of the protocol where ``executor`` does not. A second,
    different verdict on a job is a fault of ``executor``: AssertionError."""

    def __init__(self, executor: Executor):
        self._executor, self.slots = executor, executor.slots
        self._jobs: dict[int, Job] = {}  # under way, by trial
        self._epochs: dict[int, int] = {}  # the last that was reported of those
        self._verdicts: dict[tuple[int, int], Verdict] = {}

    def submit(self, job: Job) -> str:
        device = self._executor.submit(job)
        self._jobs[job.number], self._epochs[job.number] = job, 0
        return device

    def free(self) -> int:
        return self._executor.free()

    def running(self) -> set[int]:
        return set(self._jobs)

    def poll(self, timeout: float) -> list[Event]:
        events: list[Event] = []
        for event in self._executor.poll(timeout):
            if self._counts(event):
                events.append(self._end(event) if isinstance(event, Ended) else event)
        self.slots = self._executor.slots  # fewer, when a device was set aside
        lost = sorted(self._jobs.keys() - self._executor.running())
        return [*events, *(self._end(_lost(self._jobs[number])) for number in lost)]

    def stop(self, number: int) -> None:
        self._executor.stop(number)

    def close(self) -> None:
        self._executor.close()
        self._jobs.clear()

    def _counts(self, event: Event) -> bool:
        """Whether ``event`` is of a job under way, and an epoch one that comes next."""
        job = self._jobs.get(event.number)
        if job is None or event.attempt != job.attempt:
            known = self._verdicts.get((event.number, event.attempt))
            if isinstance(event, Ended) and known is not None:
                verdict = _checked(event).verdict
                assert verdict is known, f"trial {event.number} ended as {known} and then as " \
                    f"{verdict}"
            return False
        if isinstance(event, EpochReport):
            if event.epoch <= self._epochs[event.number] or not math.isfinite(event.value):
                return False
            self._epochs[event.number] = event.epoch
        return True

    def _end(self, ended: Ended) -> Ended:
        ended = _checked(ended)
        self._jobs.pop(ended.number, None)
        self._verdicts[ended.number, ended.attempt] = ended.verdict
        return ended


def _checked(ended: Ended) -> Ended:
    """``ended`` with a verdict that its result bears out."""
    result = ended.result or {}
    if not ended.verdict.has_result or is_valid(result):
        return ended
    value = result.get("value")
    if isinstance(value, float) and not math.isfinite(value):
        return replace(ended, verdict=Verdict.DIVERGED, message=f"the metric was {value}")
    return replace(ended, verdict=Verdict.CRASHED, result=None, message=(
        f"it was said to be {ended.verdict}, but without a valid result"))


def _lost(job: Job) -> Ended:
    """The end of a job that the executor knows no longer: what is on disk counts."""
    result = TrialFolder(Path(job.directory)).read_result(job.number, job.attempt)
    if result is None:
        return Ended(job.number, job.attempt, Verdict.KILLED, message="the executor lost it")
    return ended_by(job.number, job.attempt, result)
