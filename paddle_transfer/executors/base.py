"""Where trials run: the protocol, and the messages that cross it.

The conformance suite is ``tests.helpers.executor_suite``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, Union


@dataclass(frozen=True)
class Job:
    """One training: trial ``number``, tried for the ``attempt``-th time (from 1).

    ``directory`` is the trial's own (it holds ``config.yaml``, the whole PaddleClas config, before the job is
    submitted); ``payload`` is plain JSON data for the runner in the worker (seed, metric, ...).
    """

    number: int
    attempt: int
    directory: str
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class EpochReport:
    """What a trial reports after an evaluated epoch (from 1): ``value`` is the searched metric, ``scalars`` all
    that was measured (``train/loss``, ``eval/top1``, ``lr``, ...)."""

    number: int
    attempt: int
    epoch: int
    value: float
    scalars: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """The one verdict on a job.

    ``verdict``: ``complete`` (``result`` holds what the runner returned), ``pruned`` (stopped on request, likewise),
    ``diverged``, ``invalid`` (can never work: a TrialError), ``crashed`` (an exception or a native crash: worth
    another try), ``killed`` (SIGKILL, SIGTERM or SIGHUP from outside, or out of memory), ``timeout``.
    ``message`` is one line for a person, ``log_tail`` the last lines of the trial's log.
    """

    number: int
    attempt: int
    verdict: str
    result: dict[str, Any] | None = None
    message: str = ""
    log_tail: str = ""


Event = Union[EpochReport, Ended]


class Executor(Protocol):
    """Runs jobs, at most ``slots`` at once, each on a device of its own.

    Duties: every submitted job gets exactly one ``Ended``, whatever happens to the worker; its reports come
    before it and in epoch order; ``close`` leaves no process behind.
    """

    slots: int

    def submit(self, job: Job) -> str:
        """Start ``job`` on a free slot and say which device it is on (``cpu:0``, ``gpu:3``). Needs a free slot."""
        ...

    def free(self) -> int:
        """How many more jobs may be submitted now."""
        ...

    def running(self) -> set[int]:
        """The numbers of the trials under way: submitted, and their ``Ended`` not yet returned by ``poll``. A trial
        that is missing here without an ``Ended`` was lost."""
        ...

    def poll(self, timeout: float) -> list[Event]:
        """What has happened since the last call; waits up to ``timeout`` seconds for something to happen."""
        ...

    def stop(self, number: int) -> None:
        """Ask trial ``number`` to end after the epoch it is in (verdict ``pruned``)."""
        ...

    def close(self) -> None:
        """End all workers now. Jobs under way are given up without a verdict. May be called twice."""
        ...
