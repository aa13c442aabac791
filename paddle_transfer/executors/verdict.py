"""Decides how a job ended; no other module does."""

from __future__ import annotations

import math
import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paddle_transfer.errors import DiskFull, SetupError, StudyError
from paddle_transfer.executors.base import Ended, Verdict
from paddle_transfer.study.trial_log import told_by

#: Signals that come from outside (an operator, the kernel out of memory), not from the training.
_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)

#: What a signal most often means.
_MEANINGS: dict[int, str] = {
    signal.SIGKILL: "most often the machine ran out of memory",
    signal.SIGBUS: "most often shared memory, /dev/shm, or a disk is full",
    signal.SIGSEGV: "a fault in native code", signal.SIGABRT: "a fault in native code",
    signal.SIGILL: "native code that was built for another processor",
    signal.SIGFPE: "a division by zero in native code"}

#: What Paddle, CUDA, its libraries, Python and the system say when memory is short.
_OUT_OF_MEMORY = re.compile(
    r"out of memory|ResourceExhausted|MemoryError|CUDA error\(2\)|cudaErrorMemoryAllocation"
    r"|(?:CUDNN|CUBLAS)_STATUS_ALLOC_FAILED|std::bad_alloc|Cannot allocate memory", re.IGNORECASE)
#: What they say of a GPU that fails or cannot be opened. Not of a call that was wrong: an invalid
#: value (1) or configuration (9), an assertion in a kernel (710), such as of a label out of range.
_DEVICE = re.compile(
    r"CUDA error\((?!(?:1|2|9|710)\))\d+\)|no GPU is visible|no CUDA-capable device"
    r"|CUDA-capable devices are busy|(?:CUDNN|CUBLAS)_STATUS_(?:NOT_INITIALIZED|INTERNAL_ERROR"
    r"|EXECUTION_FAILED)|NCCL error|GPU has fallen off the bus|uncorrectable ECC", re.IGNORECASE)


def verdict(*, result: dict[str, Any] | None, said: dict[str, Any] | None, exit_code: int | None,
            overdue: bool) -> tuple[Verdict, str]:
    """How a job ended, and one line for a person.

    :param result: the valid result.json of this very attempt (``TrialFolder.read_result``), or None
    :param said: the worker's own "ended" message, or None when it never came
    :param exit_code: the worker's, negative for a signal; None while it lives
    :param overdue: whether the job's time is over

    | result | overdue | said             | exit code | verdict |
    |--------|---------|------------------|-----------|---------|
    | valid  | any     | any              | any       | the result's: what is on disk counts |
    | none   | yes     | any              | any       | timeout |
    | none   | no      | killed, crashed, diverged, invalid | any | what it said |
    | none   | no      | complete, pruned | any       | crashed: it said so without a result |
    | none   | no      | nothing          | a signal from outside | killed |
    | none   | no      | nothing          | any other | crashed |
    """
    if result is not None:
        return Verdict(result["verdict"]), str(result.get("message", ""))
    if overdue:
        return Verdict.TIMEOUT, "took longer than trial_timeout"
    if said is not None:
        word = said.get("verdict")
        if word in (Verdict.KILLED, Verdict.CRASHED, Verdict.DIVERGED, Verdict.INVALID):
            return Verdict(word), str(said.get("message", ""))
        return Verdict.CRASHED, f"the worker said {word!r} but left no valid result.json"
    assert exit_code is not None, "a job that has not ended has no verdict"
    if exit_code >= 0:
        return Verdict.CRASHED, (
            f"the worker ended with exit code {exit_code} before it had a result")
    name = signal_name(-exit_code)
    if -exit_code in _MEANINGS:
        name += f": {_MEANINGS[-exit_code]}"
    if -exit_code in _FROM_OUTSIDE:
        return Verdict.KILLED, f"the worker was killed from outside ({name})"
    return Verdict.CRASHED, f"the worker died of {name}"


def ended_by(number: int, attempt: int, result: dict[str, Any]) -> Ended:
    """The end of a job that its valid result.json tells of."""
    return Ended(number, attempt, Verdict(result["verdict"]), result=result,
                 message=str(result.get("message", "")))


def short_of_memory(message: str) -> bool:
    """Whether a training that crashed says that memory was short."""
    return _OUT_OF_MEMORY.search(message) is not None


def blames_device(message: str) -> bool:
    """Whether a training that crashed says that its GPU failed or could not be opened."""
    return not short_of_memory(message) and _DEVICE.search(message) is not None


def signal_name(number: int) -> str:
    """``SIGSEGV`` for 11."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def finite_curve(result: dict[str, Any]) -> tuple[tuple[int, float], ...]:
    """The result's curve without NaN and infinity (a diverged trial's last values may be)."""
    return tuple((epoch, float(value)) for epoch, value in result["curve"] if math.isfinite(value))


def fatal_error(message: Mapping[str, Any], who: str, *, log: Path, ready: bool) -> Exception:
    """The error for a worker's message that means that no trial can run.

    :param who: the worker; ``log``: its own
    :param ready: whether it had come so far
    """
    text = str(message.get("message", ""))
    if message.get("kind") == "setup":
        return SetupError(text)
    if message.get("kind") == "disk_full":
        return DiskFull(f"the {who}: {text}")
    kind = StudyError if ready else SetupError
    return kind(f"the {who} cannot work: {text}. {told_by(log)}")
