"""One worker process, seen from its parent: starting it, messages, ending it with its children."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import paddle_transfer


def worker_environment(device: str) -> dict[str, str]:
    """The environment of a worker for ``cpu:<slot>`` or ``gpu:<ids>``, which ``#2`` may follow: no
    GPU but its own, and one thread unless the user set a number (two trials of one thread each beat
    one of two)."""
    environment = dict(os.environ)
    environment.setdefault("OMP_NUM_THREADS", "1")
    # glibc hands the memory of every batch back to the system and takes it anew, for 4 % of a CPU
    # training's time; these keep it for the next batch
    environment.setdefault("MALLOC_TRIM_THRESHOLD_", str(1 << 30))
    environment.setdefault("MALLOC_MMAP_THRESHOLD_", str(1 << 25))
    kind, _, number = device.partition("#")[0].partition(":")
    environment["CUDA_VISIBLE_DEVICES"] = number if kind == "gpu" else ""
    home = str(Path(paddle_transfer.__file__).resolve().parent.parent)
    environment["PYTHONPATH"] = os.pathsep.join(
        filter(None, [home, environment.get("PYTHONPATH", "")]))
    environment["PYTHONSAFEPATH"] = "1"  # a random.py in the user's folder is not imported
    return environment


class WorkerProcess:
    """A running worker. ``reports`` and ``pidfd`` (None where the system has none) become readable
    when it has sent something or has died.

    :param log: where its output goes outside of trials; emptied first
    :param keep_fds: descriptors that it holds open as long as it lives
    :param processes: that train each trial together, itself included
    """

    def __init__(self, *, device: str, runner: str, log: Path, keep_fds: Sequence[int] = (),
                 processes: int = 1):
        self.device, self.log = device, log
        self.reports, writing = os.pipe()
        command = [sys.executable, "-m", "paddle_transfer.worker.main", "--runner", runner,
                   "--rank", "0", "--processes", str(processes), "--report-fd", str(writing),
                   "--parent", str(os.getpid())]
        try:
            with open(log, "wb") as output:
                # A session of its own: Ctrl-C reaches the parent only, and the group can be killed.
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=output, stderr=output,
                    start_new_session=True, pass_fds=(writing, *keep_fds),
                    env=worker_environment(device))
        except BaseException:
            os.close(self.reports)
            raise
        finally:
            os.close(writing)
        assert self._process.stdin is not None, "it was asked for"
        self._commands = self._process.stdin
        os.set_blocking(self.reports, False)
        self.pidfd = _pidfd(self._process.pid)
        self._buffer = b""

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: dict[str, Any]) -> None:
        """Send a message. To a dead worker it is lost: its death is noticed elsewhere."""
        with suppress(OSError):
            self._commands.write(json.dumps(message).encode() + b"\n")
            self._commands.flush()

    def receive(self) -> tuple[list[dict[str, Any]], bool]:
        """(whole messages, whether the pipe has ended); a killed worker's half line is dropped."""
        ended = False
        while True:
            try:
                data = os.read(self.reports, 1 << 16)
            except BlockingIOError:
                break
            if not data:
                ended = True
                break
            self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        return [message for message in map(_parse, lines) if message is not None], ended

    def exit_code(self) -> int | None:
        """None while it lives, negative for a signal. Leaves it a zombie, so that its number cannot
        become another process's before ``end`` has killed what is left of its group."""
        if self._process.returncode is not None:
            return self._process.returncode
        state = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if state is None:
            return None
        return state.si_status if state.si_code == os.CLD_EXITED else -state.si_status

    def end(self) -> None:
        """Kill it and all its children, wait for it, close its pipes. May be called twice."""
        if self.reports < 0:
            return
        if self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(OSError):
            self._commands.close()
        self._process.wait()
        os.close(self.reports)
        if self.pidfd is not None:
            os.close(self.pidfd)
        self.reports = -1


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None
