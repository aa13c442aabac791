"""Workers of two processes that train each trial together."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from paddle_transfer.executors.process import worker_environment
from paddle_transfer.worker.followers import environments
from tests.executors import test_local
from tests.executors.test_local import (
    RUNNER,
    finish,
    gone,
    local_executor,
    run,
    tiny_job,
    until,
)
from tests.helpers.tiny_runner import AUDIT


class TestTwoProcesses(test_local.TestLocalExecutor):
    def make(self, folder, *, slots):
        return local_executor(devices=[f"cpu:{i}" for i in range(slots)], runner=RUNNER,
                              log_dir=folder / "logs", processes=2)


@pytest.fixture
def executor(tmp_path, monkeypatch):
    monkeypatch.setenv(AUDIT, str(tmp_path / "audit"))
    executor = local_executor(devices=["cpu:0"], runner=RUNNER, log_dir=tmp_path / "logs",
                              processes=2)
    yield executor
    executor.close()


def processes(folder: Path) -> list[int]:
    """Those that have begun a trial."""
    try:
        found = re.findall(r"began .* pid (\d+)", (folder / "audit").read_text())
    except FileNotFoundError:
        found = []
    return sorted({int(pid) for pid in found})


def begun(executor, folder, **tiny) -> tuple[int, int]:
    """The process that leads and the one that follows, in the middle of a trial."""
    executor.submit(tiny_job(folder, 0, **tiny))
    until(executor, lambda: len(processes(folder)) == 2)
    (leader, ) = executor.worker_pids()
    return leader, next(pid for pid in processes(folder) if pid != leader)


@pytest.mark.parametrize(("how", "verdict", "message"), [
    ("raise", "crashed", "ValueError: a deliberate crash"), ("kill_self", "killed", "SIGKILL"),
    ("segfault", "crashed", "SIGSEGV"), ("exit", "crashed", "exit code 3"),
    ("diverge", "diverged", "the loss became nan"), ("invalid", "invalid", "must be harmless"),
    ("memory", "out_of_memory", "Out of memory error on GPU 0")])
def test_what_ends_one_ends_all_with_its_verdict(tmp_path, executor, how, verdict, message):
    ended = run(executor, tiny_job(tmp_path, 0, misbehave=f"rank1_{how}"))
    assert ended.verdict == verdict, ended
    assert message in ended.message
    if verdict in ("diverged", "invalid"):
        assert ended.result["verdict"] == verdict
        assert ended.result["curve"], "what the first process had reported"
    assert all(map(gone, processes(tmp_path)))
    assert run(executor, tiny_job(tmp_path, 1)).verdict == "complete"


@pytest.mark.parametrize("who", [0, 1])
def test_a_process_that_is_killed_takes_the_other_with_it(tmp_path, executor, who):
    pids = begun(executor, tmp_path, epochs=100_000, pause=0.01)
    os.kill(pids[who], signal.SIGKILL)
    assert finish(executor).verdict == "killed"
    assert all(map(gone, pids))


def test_close_ends_both(tmp_path, executor):
    pids = begun(executor, tmp_path, epochs=100_000, pause=0.01)
    executor.close()
    assert all(map(gone, pids))


def test_the_variables_of_a_rank():
    first, second = environments(2, gpus=False)
    assert (first["PADDLE_TRAINER_ID"], second["PADDLE_TRAINER_ID"]) == ("0", "1")
    assert first["PADDLE_TRAINER_ENDPOINTS"] == second["PADDLE_TRAINER_ENDPOINTS"]
    assert second["PADDLE_CURRENT_ENDPOINT"] == second["PADDLE_TRAINER_ENDPOINTS"].split(",")[1]
    assert first["PADDLE_DISTRI_BACKEND"] == "gloo"
    assert "FLAGS_selected_gpus" not in first
    gpus = environments(2, gpus=True)
    assert [one["FLAGS_selected_gpus"] for one in gpus] == ["0", "1"]
    assert worker_environment("gpu:2,5#2")["CUDA_VISIBLE_DEVICES"] == "2,5"
