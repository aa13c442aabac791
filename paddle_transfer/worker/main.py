"""A worker process: takes jobs one after the other and runs each in this process.

Started by ``execute.local`` as ``python -m paddle_transfer.worker.main --runner MODULE:FUNCTION --report-fd N
--parent PID``. One JSON object a line: jobs and stops come in on stdin, reports go out on descriptor N. Imports no
paddle itself; the runner's module does. Whatever happens, it dies with its parent and never leaves half a result.
"""

from __future__ import annotations

import argparse
import ctypes
import faulthandler
import importlib
import json
import math
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from paddle_transfer.errors import PaddleTransferError, SetupError, is_disk_full
from paddle_transfer.worker.diverged import Diverged

_PR_SET_PDEATHSIG = 1
#: The exit code after an exception in a job: the process may be in any state, so the slot gets a new one.
CRASHED = 70


class Fatal(Exception):
    """Something that no trial can get around: ``kind`` is ``setup``, ``disk_full`` or ``error``."""

    def __init__(self, kind: str, message: str):
        super().__init__(message)
        self.kind = kind


class Channel:
    """Both directions of the talk with the parent. The commands are read by a thread, which also sees the parent's
    end: its end of the pipe closes when it dies, however it dies."""

    def __init__(self, *, commands: int, reports: int):
        self._reports = reports
        self._stopped: set[int] = set()
        self.jobs: queue.Queue[dict | None] = queue.Queue()
        self._thread = threading.Thread(target=self._read, args=(commands, ), daemon=True,
                                        name="commands")
        self._thread.start()

    def send(self, **message: Any) -> None:
        data = memoryview(json.dumps(message).encode() + b"\n")
        while data:
            data = data[os.write(self._reports, data):]

    def stop_asked(self, number: int) -> bool:
        return number in self._stopped

    def _read(self, commands: int) -> None:
        with open(commands, encoding="utf-8") as lines:
            for line in lines:
                command = json.loads(line)
                if command["type"] == "stop":
                    self._stopped.add(command["number"])
                elif command["type"] == "job":
                    self._stopped.discard(command["number"])
                    self.jobs.put(command)
        end_group()


def end_group() -> None:
    """End this process and, when it leads a group of its own, all of that group (data loaders), at once."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent dies, also in the middle of a native call."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    except (OSError, AttributeError):
        pass  # not Linux: the end of the command pipe has to do
    if os.getppid() != parent:  # it died before the call
        os._exit(1)


@contextmanager
def output_into(path: Path):
    """Everything that is printed goes to ``path``, native code's and child processes' output included."""
    def switch(descriptor: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)

    before = os.dup(1)
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    try:
        switch(log)
        yield
    finally:
        switch(before)
        os.close(log)
        os.close(before)


def write_result(directory: Path, result: dict[str, Any]) -> None:
    """Put result.json in its place as a whole; it is what counts, whatever happens to this process afterwards."""
    aside = directory / "result.json.tmp"
    with open(aside, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, directory / "result.json")


def run_job(runner: Callable, job: dict[str, Any], channel: Channel) -> str:
    """Run one job and report its end; the verdict. Raises Fatal."""
    directory, number, attempt = Path(job["directory"]), job["number"], job["attempt"]
    curve: list[list] = []

    def report(*, epoch: int, value: float, scalars: dict[str, float] | None = None) -> bool:
        if not math.isfinite(value):
            raise Diverged(f"the metric was {value} after epoch {epoch}")
        curve.append([int(epoch), float(value)])
        channel.send(type="epoch", number=number, attempt=attempt, epoch=int(epoch),
                     value=float(value),
                     scalars={name: float(scalar) for name, scalar in (scalars or {}).items()})
        return channel.stop_asked(number)

    def conclude(verdict: str, message: str = "", result: dict[str, Any] | None = None) -> str:
        if verdict in ("complete", "pruned", "diverged", "invalid"):
            write_result(
                directory, {
                    "curve": curve, **(result or {}), "number": number, "attempt": attempt,
                    "verdict": verdict, "message": message
                })
        channel.send(type="ended", number=number, attempt=attempt, verdict=verdict, message=message)
        return verdict

    try:
        with output_into(directory / "train.log"):
            try:
                result = runner(
                    {name: job[name] for name in ("number", "attempt", "directory", "payload")},
                    report)
                fault = _fault(result)
                if fault:
                    return conclude("invalid", fault)
                return conclude("pruned" if result.get("stopped") else "complete", result=result)
            except BaseException as error:
                traceback.print_exc()
                return conclude(*_failure(error))
    except OSError as error:  # the log or the result cannot be written
        raise Fatal(*_fatal_kind(error)) from error


def _fault(result: Any) -> str:
    """What is wrong with what a runner returned; empty when nothing is."""
    if not isinstance(result, dict) or not isinstance(result.get("value"),
                                                      (int, float)) or not result.get("curve"):
        return f"the runner must return a dict with value and curve, but returned {str(result)[:200]}"
    if not math.isfinite(result["value"]):
        raise Diverged(f"the metric was {result['value']}")
    return ""


def _failure(error: BaseException) -> tuple[str, str]:
    """(verdict, message) for an exception out of a runner. Raises Fatal for what concerns every trial."""
    message = f"{type(error).__name__}: {error}".strip().splitlines()[0][:500]
    if isinstance(error, Fatal):
        raise error
    if isinstance(error, SetupError) or is_disk_full(error):
        raise Fatal(*_fatal_kind(error)) from error
    if isinstance(error, Diverged):
        return "diverged", str(error)[:500]
    if isinstance(error,
                  PaddleTransferError):  # TrialError, ConfigError: wrong today, wrong tomorrow
        return "invalid", str(error)[:2000]
    return ("killed" if isinstance(error, MemoryError) else "crashed"), message


def _fatal_kind(error: BaseException) -> tuple[str, str]:
    kind = "setup" if isinstance(error,
                                 SetupError) else "disk_full" if is_disk_full(error) else "error"
    return kind, str(error) if isinstance(
        error, PaddleTransferError) else f"{type(error).__name__}: {error}"


def load_runner(name: str) -> Callable:
    """The function ``MODULE:FUNCTION``. Raises Fatal."""
    module, _, function = name.partition(":")
    try:
        return getattr(importlib.import_module(module), function)
    except Exception as error:
        traceback.print_exc()
        raise Fatal(*_fatal_kind(error)) from error


def serve(channel: Channel, runner_name: str) -> int:
    """Do jobs until one leaves the process unfit for more; the exit code."""
    try:
        runner = load_runner(runner_name)
        channel.send(type="ready")
        while run_job(runner, channel.jobs.get(), channel) not in ("crashed", "killed"):
            pass
        return CRASHED
    except Fatal as error:
        channel.send(type="fatal", kind=error.kind, message=str(error))
        return 1


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runner", required=True)
    parser.add_argument("--report-fd", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    args = parser.parse_args(argv)
    die_with_parent(args.parent)
    commands = os.dup(0)  # a copy that nothing else reads from; the training's stdin is empty
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.set_inheritable(args.report_fd, False)
    sys.stdout.reconfigure(line_buffering=True)
    faulthandler.enable()
    return serve(Channel(commands=commands, reports=args.report_fd), args.runner)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # no waiting for threads that a library left behind
