"""The other processes of a worker that trains each trial data-parallel: one per device, or on a CPU
as many as were asked for. Imports no Paddle.

The worker itself is rank 0 and alone talks with the parent. Followers get the same jobs and run the
same code; Paddle joins their gradients. What ends one of them ends all.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Any

from paddle_transfer.worker.jobs import WORKED, RunningJob
from paddle_transfer.worker.process import end_group

#: Seconds that a training which failed waits for a follower to say that it failed first.
_PATIENCE = 3.0


def environments(processes: int, *, gpus: bool) -> list[dict[str, str]]:
    """The variables of each rank, as ``paddle.distributed.launch`` sets them on one machine.

    :param gpus: whether rank i trains on the i-th visible GPU
    """
    places = [f"127.0.0.1:{port}" for port in _free_ports(processes)]
    common = {"PADDLE_TRAINERS_NUM": str(processes), "PADDLE_TRAINER_ENDPOINTS": ",".join(places),
              "PADDLE_MASTER": places[0], **({} if gpus else {"PADDLE_DISTRI_BACKEND": "gloo"})}
    return [{**common, "PADDLE_TRAINER_ID": str(rank), "PADDLE_RANK_IN_NODE": str(rank),
             "PADDLE_CURRENT_ENDPOINT": places[rank],
             **({"FLAGS_selected_gpus": str(rank)} if gpus else {})}
            for rank in range(processes)]


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Followers:
    """Starts a process with each of ``environments``; they die with the thread that makes this."""

    def __init__(self, environments: Sequence[dict[str, str]], runner: str):
        self._job: RunningJob | None = None
        self._failed = threading.Event()
        self._processes = [self._start(rank, variables, runner)
                           for rank, variables in enumerate(environments, start=1)]

    def begin(self, job: RunningJob, command: dict[str, Any]) -> None:
        """Have all of them run ``job`` as well, which the parent's ``command`` asked for."""
        self._job = job
        line = json.dumps(command).encode() + b"\n"
        for process in self._processes:
            assert process.stdin is not None, "it was asked for"
            with suppress(OSError):  # it is dead, which ``_watch`` sees
                process.stdin.write(line)
                process.stdin.flush()

    def wait_for_failure(self) -> None:
        """Called when a training fails in this process: that of another may be the cause, which
        ends this process before it has told of its own."""
        self._failed.wait(_PATIENCE)

    def _start(self, rank: int, variables: dict[str, str], runner: str) -> subprocess.Popen[bytes]:
        reading, writing = os.pipe()
        process = subprocess.Popen(
            [sys.executable, "-m", "paddle_transfer.worker.main", "--runner", runner, "--rank",
             str(rank), "--processes", "1", "--report-fd", str(writing), "--parent",
             str(os.getpid())],
            stdin=subprocess.PIPE, pass_fds=(writing, ), env={**os.environ, **variables})
        os.close(writing)
        threading.Thread(target=self._watch, args=(process, reading), daemon=True,
                         name=f"rank {rank}").start()
        return process

    def _watch(self, process: subprocess.Popen[bytes], reports: int) -> None:
        """Read what a follower says; end everything when it fails."""
        with open(reports, encoding="utf-8") as lines:
            for line in lines:
                said = json.loads(line)
                if said["type"] == "fatal":
                    self._end("crashed", said["message"])
                elif said["type"] == "ended" and said["verdict"] not in WORKED:
                    self._end(said["verdict"], said["message"])
        self._failed.set()
        code = process.wait()
        for other in self._processes:
            other.kill()
        if code < 0:  # the parent sees this process die of the same
            signal.pthread_kill(threading.get_ident(), -code)
        os._exit(code or 1)

    def _end(self, verdict: str, message: str) -> None:
        self._failed.set()
        if self._job is not None:
            self._job.end(verdict, message, {})
        end_group()
