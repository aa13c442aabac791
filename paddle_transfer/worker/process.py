"""What a worker process does at the level of the operating system."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def worker_arguments(description: str, *names: str) -> argparse.Namespace:
    """``--report-fd``, ``--parent`` and further options of this process, which from now on dies
    with its parent: the kernel kills it, also in the middle of native code."""
    parser = argparse.ArgumentParser(description=description)
    for name in names:
        parser.add_argument(name, required=True)
    for name in ("--report-fd", "--parent"):
        parser.add_argument(name, type=int, required=True)
    arguments = parser.parse_args()
    # elsewhere than on Linux the end of the command pipe has to do
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != arguments.parent:  # it died before the call
        os._exit(1)
    return arguments


def end_group() -> None:
    """End this process and, when it leads its own group, all of that (data loaders), at once."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def exit_now(code: int) -> None:
    """End this process without waiting for threads that a library left behind."""
    _flush()
    os._exit(code)


@contextlib.contextmanager
def output_into(path: Path) -> Iterator[None]:
    """Everything printed goes to ``path``, native code's and child processes' output included."""
    before = os.dup(1)
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    try:
        _redirect(log)
        yield
    finally:
        _redirect(before)
        os.close(log)
        os.close(before)


def _redirect(descriptor: int) -> None:
    _flush()
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
