"""A worker process: takes jobs one after the other and runs each in this process.

An executor starts it as ``python -m paddle_transfer.worker.main --runner MODULE:FUNCTION --rank 0
--processes K --report-fd N --parent PID``; with K above 1 it starts others (``followers``), and all
train each job together. One JSON object a line: jobs and stops come in on stdin, reports go
out on descriptor N. Imports no Paddle itself; the runner does. Whatever happens, it dies with its
parent and never leaves half a result.
"""

from __future__ import annotations

import faulthandler
import io
import json
import os
import queue
import sys
import threading
import traceback
from typing import Any

from paddle_transfer.registry import attribute_of
from paddle_transfer.worker.followers import Followers, environments
from paddle_transfer.worker.jobs import Fatal, Runner, RunningJob
from paddle_transfer.worker.process import end_group, exit_now, worker_arguments

#: The exit code after an exception in a job: the process may be in any state, so it is replaced.
CRASHED = 70


#: Verdicts after which this process may be in any state.
_SPOILS = ("crashed", "killed")


class Channel:
    """Both directions of the connection with the parent.

    A thread reads the commands. It also sees the parent's end: the parent's side of the pipe closes
    when it dies, however it dies.
    """

    def __init__(self, *, commands: int, reports: int):
        self._reports = reports
        self._stopped: set[int] = set()
        self.jobs: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._read, args=(commands,), daemon=True, name="commands").start()

    def send(self, **message: object) -> None:
        data = memoryview(json.dumps(message).encode() + b"\n")
        while data:
            data = data[os.write(self._reports, data):]

    def stop_requested(self, number: int) -> bool:
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


def serve(channel: Channel, runner_name: str, *, rank: int = 0,
          followers: Followers | None = None) -> int:
    """Run jobs until one leaves the process unfit for more; the exit code.

    :param rank: of this process among those that train together
    """
    waiting, spoils = (None, _SPOILS) if followers is None else (
        followers.wait_for_failure, (*_SPOILS, "diverged", "invalid"))
    try:
        runner, verdict = _import_runner(runner_name), ""
        channel.send(type="ready")
        while verdict not in spoils:
            command = channel.jobs.get()
            job = RunningJob(command, channel.send, channel.stop_requested, rank=rank,
                             before_failing=waiting)
            if followers is not None:
                followers.begin(job, command)
            verdict = job.run(runner)
        return CRASHED
    except Fatal as error:
        channel.send(type="fatal", kind=error.kind, message=str(error))
        return 1


def _import_runner(name: str) -> Runner:
    try:
        runner: Runner = attribute_of(name)
        return runner
    except Exception as error:
        traceback.print_exc()
        raise Fatal(error) from error


def main() -> int:
    args = worker_arguments(str(__doc__), "--runner", "--rank", "--processes")
    commands = os.dup(0)  # a copy that nothing else reads from; the training's stdin is empty
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.set_inheritable(args.report_fd, False)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    faulthandler.enable()
    channel = Channel(commands=commands, reports=args.report_fd)
    return serve(channel, args.runner, rank=int(args.rank),
                 followers=_followers(int(args.processes), args.runner))


def _followers(processes: int, runner: str) -> Followers | None:
    """The processes that train together with this one, which takes its place among them."""
    if processes == 1:
        return None
    own, *others = environments(processes, gpus=bool(os.environ.get("CUDA_VISIBLE_DEVICES")))
    os.environ.update(own)
    return Followers(others, runner)


if __name__ == "__main__":
    exit_now(main())
