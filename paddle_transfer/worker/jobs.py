"""One job of a worker: run, reported, and ended with one verdict. Imports no Paddle."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from paddle_transfer.errors import PaddleTransferError, SetupError, cause, is_disk_full
from paddle_transfer.worker.diverged import Diverged
from paddle_transfer.worker.process import end_group, output_into

#: Trains one trial: (job, report) -> result. See ``runner.run``.
Runner = Callable[[dict[str, Any], Callable[..., bool]], dict[str, Any]]

#: Verdicts with a result.json; after the others the trial is tried again.
_FINAL = ("complete", "pruned", "diverged", "invalid")
#: Verdicts after which all processes of a trial have come to their end together.
WORKED = ("complete", "pruned")


class Fatal(Exception):
    """An error that meets every trial; ``kind`` is ``setup``, ``disk_full`` or ``error``."""

    def __init__(self, error: BaseException):
        ours = isinstance(error, PaddleTransferError)
        super().__init__(str(error) if ours else cause(error))
        self.kind = "setup" if isinstance(error, SetupError) else (
            "disk_full" if is_disk_full(error) else "error")


class RunningJob:
    """Collects the curve of a job, reports its epochs to the parent, and ends it.

    :param job: ``number``, ``attempt``, ``directory`` and ``payload``
    :param send: sends a message
    :param stop_requested: whether the parent has asked to stop trial ``number``
    :param rank: of this process among those that train together; result.json is that of the first
    :param before_failing: called when the runner has raised; None: this process trains alone
    """

    def __init__(self, job: dict[str, Any], send: Callable[..., None],
                 stop_requested: Callable[[int], bool], *, rank: int = 0,
                 before_failing: Callable[[], None] | None = None):
        self._job = {name: job[name] for name in ("number", "attempt", "directory", "payload")}
        self._ids = {name: job[name] for name in ("number", "attempt")}
        self._directory = Path(job["directory"])
        self._send, self._stop_requested = send, stop_requested
        self._curve: list[list[float]] = []
        self._rank, self._before_failing = rank, before_failing
        self._lock, self._ended = threading.Lock(), False

    def run(self, runner: Runner) -> str:
        """Run the job and report its end; the verdict. Raises Fatal."""
        try:
            with output_into(self._directory / "train.log"):
                try:
                    return self.end(*_verdict(runner(self._job, self._report)))
                except BaseException as error:
                    if isinstance(error, (PaddleTransferError, Diverged)):
                        print(f"error: {error}", file=sys.stderr)
                    else:
                        traceback.print_exc()
                    if self._before_failing is not None:
                        self._before_failing()
                    return self.end(*_failure(error))
        except OSError as error:  # the log or the result cannot be written
            raise Fatal(error) from error

    def _report(self, *, epoch: int, value: float, images: int | None = None,
                scalars: Mapping[str, float] | None = None) -> bool:
        """Report an evaluated epoch; whether the parent asks to stop. Raises Diverged.

        :param images: how many ``value`` was measured on; None: the runner does not say
        """
        self._make_way()
        if not math.isfinite(value):
            raise Diverged(f"the metric was {value} after epoch {epoch}")
        self._curve.append([int(epoch), float(value)])
        self._send(type="epoch", **self._ids, epoch=int(epoch), value=float(value), images=images,
                   scalars={name: float(one) for name, one in (scalars or {}).items()})
        return self._stop_requested(self._ids["number"])

    def end(self, verdict: str, message: str, result: Mapping[str, Any]) -> str:
        """Write and send how it ended, once: the first verdict counts. Returns ``verdict``."""
        self._make_way()
        told = {**self._ids, "verdict": verdict, "message": message}
        unfit = self._before_failing is not None and verdict not in WORKED
        with self._lock:
            if self._ended:
                return verdict
            self._ended = True
            if verdict in _FINAL and not self._rank:
                write_result(self._directory, {"curve": self._curve, **result, **told})
                shutil.rmtree(self._directory / "checkpoint", ignore_errors=True)
            # the others of a training that failed may wait for each other for ever
            self._send(type="ended", **told, **({"unfit": True} if unfit else {}))
        return verdict

    def _make_way(self) -> None:
        """End this process when a later attempt at the trial has been prepared: its node was given
        up for dead, and what it still wrote or deleted would be the other's."""
        try:
            record = json.loads((self._directory / "trial.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):  # there is none, or it is being written
            return
        if isinstance(record, dict) and record.get("attempts", 0) > self._ids["attempt"]:
            end_group()


def write_result(directory: Path, result: dict[str, Any]) -> None:
    """Write result.json as a whole or not at all; it counts, whatever this process does next."""
    aside = directory / "result.json.tmp"
    with open(aside, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, directory / "result.json")


def _verdict(result: object) -> tuple[str, str, Mapping[str, Any]]:
    """(verdict, message, result) for what a runner returned. Raises Diverged."""
    if isinstance(result, dict) and result.get("curve"):
        images = result.get("images", 1)
        if not isinstance(images, int) or images < 1:
            return "invalid", f"the metric was measured on {images!r} images, so it is none", {}
        value = result.get("value")
        if isinstance(value, (int, float)) and math.isfinite(value):
            return "pruned" if result.get("stopped") else "complete", "", result
        if isinstance(value, (int, float)):
            raise Diverged(f"the metric was {value}")
    return "invalid", ("the runner must return a dict with value and curve, but returned "
                       f"{result!s:.200}"), {}


def _failure(error: BaseException) -> tuple[str, str, Mapping[str, Any]]:
    """The same for an exception out of a runner. Raises Fatal for what meets every trial."""
    if isinstance(error, SetupError) or is_disk_full(error):
        raise Fatal(error) from error
    if isinstance(error, Diverged):
        return "diverged", str(error)[:500], {}
    if isinstance(error, PaddleTransferError):  # wrong today, wrong tomorrow
        return "invalid", str(error)[:2000], {}
    return "crashed", cause(error), {}
