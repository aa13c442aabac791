"""One job of a worker: run, reported, and ended with one verdict. Imports no Paddle."""

from __future__ import annotations

import json
import math
import os
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from paddle_transfer.errors import PaddleTransferError, SetupError, is_disk_full
from paddle_transfer.worker.diverged import Diverged
from paddle_transfer.worker.process import output_into

#: Trains one trial: (job, report) -> result. See ``runner.run``.
Runner = Callable[[dict[str, Any], Callable[..., bool]], dict[str, Any]]

#: Verdicts with a result.json; after the others the trial is tried again.
_FINAL = ("complete", "pruned", "diverged", "invalid")


class Fatal(Exception):
    """An error that meets every trial.

    :param kind: ``setup``, ``disk_full`` or ``error``
    """

    def __init__(self, kind: str, message: str):
        super().__init__(message)
        self.kind = kind

    @classmethod
    def of(cls, error: BaseException) -> Fatal:
        kind = "setup" if isinstance(error, SetupError) else (
            "disk_full" if is_disk_full(error) else "error")
        ours = isinstance(error, PaddleTransferError)
        return cls(kind, str(error) if ours else f"{type(error).__name__}: {error}")


class Link(Protocol):
    """Connection to the parent."""

    def send(self, **message: Any) -> None: ...

    def stop_requested(self, number: int) -> bool: ...


class _RunningJob:
    """Collects the curve of a job, reports its epochs, and ends it."""

    def __init__(self, job: dict[str, Any], link: Link):
        self._link, self.directory = link, Path(job["directory"])
        self._ids = {"number": job["number"], "attempt": job["attempt"]}
        self._curve: list[list[float]] = []

    def report(self, *, epoch: int, value: float,
               scalars: Mapping[str, float] | None = None) -> bool:
        """Report an evaluated epoch; whether the parent asks to stop. Raises Diverged."""
        if not math.isfinite(value):
            raise Diverged(f"the metric was {value} after epoch {epoch}")
        self._curve.append([int(epoch), float(value)])
        self._link.send(type="epoch", **self._ids, epoch=int(epoch), value=float(value),
                        scalars={name: float(one) for name, one in (scalars or {}).items()})
        return self._link.stop_requested(self._ids["number"])

    def end(self, verdict: str, message: str = "", result: dict[str, Any] | None = None) -> str:
        """Write the result of a final verdict, and report the end; the verdict."""
        told = {**self._ids, "verdict": verdict, "message": message}
        if verdict in _FINAL:
            write_result(self.directory, {"curve": self._curve, **(result or {}), **told})
        self._link.send(type="ended", **told)
        return verdict


def run_job(runner: Runner, job: dict[str, Any], link: Link) -> str:
    """Run one job and report its end; the verdict. Raises Fatal."""
    running = _RunningJob(job, link)
    asked = {name: job[name] for name in ("number", "attempt", "directory", "payload")}
    try:
        with output_into(running.directory / "train.log"):
            try:
                result = runner(asked, running.report)
                fault = _fault(result)
                if fault:
                    return running.end("invalid", fault)
                return running.end("pruned" if result.get("stopped") else "complete", result=result)
            except BaseException as error:
                traceback.print_exc()
                return running.end(*_failure(error))
    except OSError as error:  # the log or the result cannot be written
        raise Fatal.of(error) from error


def write_result(directory: Path, result: dict[str, Any]) -> None:
    """Write result.json as a whole or not at all; it counts, whatever this process does next."""
    aside = directory / "result.json.tmp"
    with open(aside, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, directory / "result.json")


def _fault(result: object) -> str:
    """What is wrong with a runner's result; empty when nothing is. Raises Diverged."""
    value = result.get("value") if isinstance(result, dict) else None
    if not isinstance(result, dict) or not isinstance(value, (int, float)) or not result.get(
            "curve"):
        return f"the runner must return a dict with value and curve, but returned {result!s:.200}"
    if not math.isfinite(value):
        raise Diverged(f"the metric was {value}")
    return ""


def _failure(error: BaseException) -> tuple[str, str]:
    """(verdict, message) for an exception out of a runner. Raises Fatal for what meets all."""
    if isinstance(error, Fatal):
        raise error
    if isinstance(error, SetupError) or is_disk_full(error):
        raise Fatal.of(error) from error
    if isinstance(error, Diverged):
        return "diverged", str(error)[:500]
    if isinstance(error, PaddleTransferError):  # wrong today, wrong tomorrow
        return "invalid", str(error)[:2000]
    message = f"{type(error).__name__}: {error}".strip().splitlines()[0][:500]
    return ("killed" if isinstance(error, MemoryError) else "crashed"), message
