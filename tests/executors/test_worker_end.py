"""A worker ends with its parent, in two ways that each do alone."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from paddle_transfer.executors.base import Job
from paddle_transfer.executors.process import WorkerProcess
from tests.helpers.tiny_runner import AUDIT

RUNNER = "tests.helpers.tiny_runner:run"
LIMIT = 60.0


def job(folder: Path, **tiny) -> dict:
    (folder / "config.yaml").write_text(yaml.safe_dump({"Tiny": tiny}))
    return {"type": "job", **asdict(Job(0, 1, str(folder), {}))}


def gone(pid: int) -> bool:
    """Waits until ``pid``, or what was once it, has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(descriptor):
        return bool(select.select([descriptor], [], [], LIMIT)[0])


def audit_line(path: Path, word: str) -> str:
    for _ in range(int(LIMIT / 0.005)):
        for line in path.read_text().splitlines() if path.exists() else []:
            if line.startswith(word):
                return line
        select.select([], [], [], 0.005)
    raise AssertionError(f"no {word} in {path}")


def test_the_end_of_the_command_pipe_ends_a_worker_and_its_children(tmp_path, monkeypatch):
    monkeypatch.setenv(AUDIT, str(tmp_path / "audit"))
    worker = WorkerProcess(device="cpu:0", runner=RUNNER, log=tmp_path / "log")
    worker.send(job(tmp_path, misbehave="grandchild", epochs=100_000, pause=0.01))
    grandchild = int(audit_line(tmp_path / "audit", "grandchild").split()[1])
    worker._process.stdin.close()
    assert worker._process.wait(LIMIT) == -signal.SIGKILL
    assert gone(grandchild)
    worker.end()


@pytest.mark.skipif(sys.platform != "linux",
                    reason="only Linux tells a process of its parent's death; runs there")
def test_the_kernel_ends_a_worker_whose_parent_was_killed_although_its_pipe_stays_open(
        tmp_path, monkeypatch):
    monkeypatch.setenv(AUDIT, str(tmp_path / "audit"))
    script = f"""
import json, subprocess, sys
from pathlib import Path
from paddle_transfer.executors.process import WorkerProcess
worker = WorkerProcess(device="cpu:0", runner={RUNNER!r}, log=Path({str(tmp_path / 'log')!r}))
holder = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"],
                          pass_fds=[worker._process.stdin.fileno()])
worker.send(json.loads(sys.stdin.readline()))
print(worker.pid, holder.pid, flush=True)
sys.stdin.read()
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    parent.stdin.write(json.dumps(job(tmp_path, misbehave="hang")) + "\n")
    parent.stdin.flush()
    worker, holder = map(int, parent.stdout.readline().split())
    audit_line(tmp_path / "audit", "epoch")
    parent.kill()
    parent.wait()
    try:
        assert gone(worker)
    finally:
        os.kill(holder, signal.SIGKILL)
        parent.stdin.close()
        parent.stdout.close()


def test_a_worker_whose_parent_died_before_it_could_ask_does_not_begin():
    worker = subprocess.Popen([sys.executable, "-m", "paddle_transfer.worker.main", "--runner",
                               RUNNER, "--rank", "0", "--processes", "1", "--report-fd", "1",
                               "--parent", "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert worker.wait(LIMIT) == 1
        assert worker.stdout.read() == b""
    finally:
        worker.kill()
        worker.stdin.close()
        worker.stdout.close()
