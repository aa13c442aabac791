"""Where trials run: the protocol, and the messages that cross it.

The conformance suite is ``tests.helpers.executor_suite``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from paddle_transfer.config.validation import Options
from paddle_transfer.study.records import Word


class Verdict(Word):
    """How a job ended."""

    COMPLETE = "complete"  #: ``Ended.result`` is what the runner returned
    PRUNED = "pruned"  #: stopped on request, with a result as well
    DIVERGED = "diverged"
    INVALID = "invalid"  #: can never work: a TrialError
    CRASHED = "crashed"  #: an exception or a native crash: worth another try
    OUT_OF_MEMORY = "out_of_memory"  #: of its GPU or of the machine: worth another try with less
    KILLED = "killed"  #: by SIGKILL, SIGTERM or SIGHUP from outside, or its device failed
    TIMEOUT = "timeout"

    @property
    def has_result(self) -> bool:
        return self in (Verdict.COMPLETE, Verdict.PRUNED)


@dataclass(frozen=True)
class Job:
    """One training: trial ``number``, tried for the ``attempt``-th time (from 1).

    :param directory: the trial's own; it holds ``config.yaml`` before the job is submitted
    :param payload: plain JSON data for the runner in the worker (seed, metric, ...)
    """

    number: int
    attempt: int
    directory: str
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class EpochReport:
    """The report of a trial after an evaluated epoch (from 1).

    :param value: the searched metric
    :param scalars: all that was measured (``train/loss``, ``eval/top1``, ``lr``, ...)
    :param images: how many ``value`` was measured on; None: the worker does not say
    """

    number: int
    attempt: int
    epoch: int
    value: float
    scalars: dict[str, float] = field(default_factory=dict)
    images: int | None = None


@dataclass(frozen=True)
class Ended:
    """The one verdict on a job.

    :param message: one line for a person
    :param log_tail: the last lines of the trial's log
    """

    number: int
    attempt: int
    verdict: Verdict
    result: dict[str, Any] | None = None
    message: str = ""
    log_tail: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "verdict", Verdict(self.verdict))


Event = EpochReport | Ended


class Executor(Protocol):
    """Runs jobs, at most ``slots`` at once, each on a device of its own.

    Duties: every submitted job gets exactly one ``Ended``, whatever happens to the worker; its
    reports come before it and in epoch order; ``close`` leaves no process behind.
    """

    #: Jobs that may run at once: fewer, when devices are set aside.
    slots: int

    def submit(self, job: Job) -> str:
        """Start ``job`` on a free slot, which there must be; returns the device."""

    def free(self) -> int:
        """How many more jobs may be submitted now."""

    def running(self) -> set[int]:
        """The numbers of the running trials: submitted, and their ``Ended`` not yet returned by
        ``poll``. A trial that is missing here without an ``Ended`` was lost."""

    def poll(self, timeout: float) -> list[Event]:
        """The events since the last call; waits up to ``timeout`` seconds for one.

        Raises SetupError when no device is left, or no trial can run at all.
        """

    def stop(self, number: int) -> None:
        """Ask trial ``number`` to end after the epoch it is in (verdict ``pruned``)."""

    def close(self) -> None:
        """End all workers now. Running jobs are given up without a verdict. May be called twice."""


@dataclass(frozen=True)
class Sharing:
    """How trials share the devices of this machine out.

    :param gpus_per_trial: GPUs that train each trial together, data-parallel
    :param processes_per_trial: the same on a CPU
    :param trials_per_gpu: trials at once on each GPU
    :param scale_learning_rate: whether the learning rate grows with the images of a step
    """

    gpus_per_trial: int = 1
    processes_per_trial: int = 1
    trials_per_gpu: int = 1
    scale_learning_rate: bool = True


@dataclass(frozen=True)
class ExecutorContext:
    """What a search gives its executor beside the executor's own options.

    :param devices: one per slot, ``cpu:0`` or ``gpu:3``, ``gpu:0,1`` where both train a trial
        together, ``gpu:3#2`` for the second slot on a GPU; its kind goes to every job's payload
    :param runner: ``MODULE:FUNCTION`` that runs a job in a worker (``worker.main``)
    :param trial_timeout: seconds per attempt; None: no limit
    :param keep_fds: descriptors that workers on this machine hold open (the directory's lock)
    :param paths: files and folders that trials read, for executors on other machines to look for
    """

    devices: Sequence[str]
    runner: str
    log_dir: Path
    trial_timeout: float | None = None
    keep_fds: Sequence[int] = ()
    paths: Sequence[str] = ()


class RegisteredExecutor(ABC):
    """An ``Executor`` that a search file can name; its class is in ``registry.EXECUTORS``.

    Trials train on GPUs where it has an option ``gpus_per_trial``, and that is above 0.
    """

    name: ClassVar[str]
    options: ClassVar[type[Options]] = Options
    #: Whether it finds the devices itself: ``workers`` trials at once, and no ``gpus``.
    places_trials: ClassVar[bool] = False

    @classmethod
    def lacking(cls) -> str:
        """What it needs and this machine lacks, asked before a search; empty: nothing."""
        return ""

    @classmethod
    def sharing(cls, options: Options) -> Sharing:  # noqa: ARG003 (others have some)
        """How it shares the devices of this machine out, by its ``options``."""
        return Sharing()

    @classmethod
    @abstractmethod
    def build(cls, options: Options, context: ExecutorContext) -> Executor:
        """The executor; ``options`` is an instance of the class's ``options``."""
