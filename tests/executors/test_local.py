from __future__ import annotations

import json
import os
import re
import select
import signal
from pathlib import Path

import pytest
import yaml

from paddle_transfer.errors import DiskFull, SetupError
from paddle_transfer.executors.base import Ended, ExecutorContext, Job
from paddle_transfer.executors.devices import DeviceWatch
from paddle_transfer.executors.local import LocalExecutor
from paddle_transfer.executors.process import WorkerProcess, worker_environment
from paddle_transfer.hardware import GpuMemory
from tests.helpers.executor_suite import ExecutorSuite
from tests.helpers.fakes import FakeClock
from tests.helpers.tiny_runner import AUDIT

RUNNER = "tests.helpers.tiny_runner:run"
MISBEHAVE = {"complete": None, "crash": "raise", "kill": "kill_self", "diverge": "diverge",
             "invalid": "invalid", "memory": "memory"}
GB = 10**9


def local_executor(*, devices, log_dir, runner, **options):
    context = {name: options.pop(name) for name in ("trial_timeout", "keep_fds") if name in options}
    return LocalExecutor(ExecutorContext(devices, runner, Path(log_dir), **context), **options)


def tiny_job(folder: Path, number: int, *, attempt: int = 1, **tiny) -> Job:
    directory = folder / f"{number:04d}"
    directory.mkdir(exist_ok=True)
    (directory / "config.yaml").write_text(yaml.safe_dump({"Tiny": tiny}))
    return Job(number, attempt, str(directory), {"seed": 0})


class TestLocalExecutor(ExecutorSuite):
    def make(self, folder, *, slots):
        return local_executor(devices=[f"cpu:{i}" for i in range(slots)], runner=RUNNER,
                             log_dir=folder / "logs")

    def job(self, folder, number, *, does="complete", attempt=1, epochs=3):
        pause = 0.002 if epochs > 3 else 0  # time for a stop to arrive
        return tiny_job(folder, number, attempt=attempt, epochs=epochs, misbehave=MISBEHAVE[does],
                        pause=pause)


@pytest.fixture
def executor(tmp_path):
    executor = local_executor(devices=["cpu:0"], runner=RUNNER, log_dir=tmp_path / "logs")
    yield executor
    executor.close()


@pytest.fixture
def audit(tmp_path, monkeypatch):
    monkeypatch.setenv(AUDIT, str(tmp_path / "audit"))
    return lambda: (tmp_path / "audit").read_text().splitlines() if (tmp_path / "audit").exists(
    ) else []


def run(executor, job) -> Ended:
    executor.submit(job)
    return finish(executor)


def finish(executor) -> Ended:
    for _ in range(1000):
        for event in executor.poll(1.0):
            if isinstance(event, Ended):
                return event
    raise AssertionError("it never ended")


def until(executor, condition):
    for _ in range(100_000):
        if condition():
            return
        executor.poll(0.01)
    raise AssertionError("it never happened")


def gone(pid: int) -> bool:
    """Whether ``pid`` ends without further ado; a signal takes a moment to be carried out."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    ended = bool(select.select([descriptor], [], [], 30)[0])
    os.close(descriptor)
    return ended


def test_a_worker_lives_through_many_jobs(tmp_path, executor, audit):
    for number in range(3):
        assert run(executor, tiny_job(tmp_path, number)).verdict == "complete"
    assert len(
        {re.search(r"pid (\d+)", line)[1] for line in audit() if line.startswith("began")}) == 1


@pytest.mark.parametrize(("how", "message"), [("raise", "ValueError: a deliberate crash"),
                                              ("segfault", "SIGSEGV"), ("exit", "exit code 3"),
                                              ("kill_self", "SIGKILL")])
def test_a_worker_that_failed_is_replaced(tmp_path, executor, audit, how, message):
    ended = run(executor, tiny_job(tmp_path, 0, misbehave=how))
    assert message in ended.message
    assert "trial 0 begins" in (tmp_path / "0000" / "train.log").read_text()
    assert run(executor, tiny_job(tmp_path, 1)).verdict == "complete"
    assert len(
        {re.search(r"pid (\d+)", line)[1] for line in audit() if line.startswith("began")}) == 2


@pytest.mark.parametrize("epochs", [1, 10_000])
def test_a_worker_makes_way_for_a_later_attempt(tmp_path, executor, epochs):
    """Its node was thought dead, say. What is in the folder then is the other attempt's."""
    job = tiny_job(tmp_path, 0, epochs=epochs, pause=0.01)
    (tmp_path / "0000" / "checkpoint").mkdir()
    (tmp_path / "0000" / "trial.json").write_text('{"attempts": 2}')
    assert run(executor, job).verdict == "killed"
    assert not (tmp_path / "0000" / "result.json").exists()
    assert (tmp_path / "0000" / "checkpoint").exists()
    assert run(executor, tiny_job(tmp_path, 0, attempt=2)).verdict == "complete"


def test_native_crashes_leave_their_text_in_the_trials_log(tmp_path, executor):
    ended = run(executor, tiny_job(tmp_path, 0, misbehave="segfault"))
    assert "Segmentation fault" in ended.log_tail
    assert "string_at" in ended.log_tail


def test_logs_of_trials_are_kept_apart(tmp_path, executor):
    for number in range(2):
        run(executor, tiny_job(tmp_path, number))
    for number in range(2):
        assert (tmp_path / f"{number:04d}" / "train.log").read_text() == f"trial {number} begins\n"


def test_a_result_counts_although_its_worker_died_before_saying_so(tmp_path, executor):
    """A worker stopped after its result.json and killed there."""
    job = tiny_job(tmp_path, 0, misbehave="hang")
    executor.submit(job)
    until(executor, lambda: (tmp_path / "0000" / "train.log").exists())
    result = {"number": 0, "attempt": 1, "verdict": "complete", "value": 0.5, "curve": [[1, 0.5]]}
    (tmp_path / "0000" / "result.json").write_text(json.dumps(result))
    os.kill(executor.worker_pids()[0], signal.SIGKILL)
    ended = finish(executor)
    assert ended.verdict == "complete"
    assert ended.result == result


@pytest.mark.parametrize("stale", [{"attempt": 1}, {"verdict": "nonsense"}])
def test_another_attempts_result_does_not_count(tmp_path, executor, stale):
    job = tiny_job(tmp_path, 0, attempt=2, misbehave="kill_self")
    (tmp_path / "0000" / "result.json").write_text(
        json.dumps({"number": 0, "attempt": 2, "verdict": "complete", "value": 0.5,
                    "curve": [[1, 0.5]], **stale}))
    assert run(executor, job).verdict == "killed"


def test_a_trial_that_takes_too_long_is_ended_with_its_children(tmp_path, audit):
    clock = FakeClock()
    executor = local_executor(devices=["cpu:0"], runner=RUNNER, log_dir=tmp_path, trial_timeout=60,
                             clock=clock)
    executor.submit(tiny_job(tmp_path, 0, misbehave="grandchild", epochs=10_000, pause=0.01))
    until(executor, lambda: any(line.startswith("grandchild") for line in audit()))
    grandchild = int(next(line for line in audit() if line.startswith("grandchild")).split()[1])
    clock.advance(59)
    executor.poll(0)
    assert executor.running() == {0}
    clock.advance(2)
    assert finish(executor).verdict == "timeout"
    assert gone(grandchild)
    executor.submit(tiny_job(tmp_path, 1))
    assert finish(executor).verdict == "complete"
    executor.close()


def test_close_ends_workers_and_their_children(tmp_path, executor, audit):
    executor.submit(tiny_job(tmp_path, 0, misbehave="grandchild", epochs=10_000, pause=0.01))
    until(executor, lambda: any(line.startswith("grandchild") for line in audit()))
    pids = [*executor.worker_pids(), int(next(line for line in audit()
                                              if "grandchild" in line).split()[1])]
    executor.close()
    assert all(map(gone, pids))


def test_a_worker_killed_while_it_starts_costs_no_attempt(tmp_path, executor):
    executor.submit(tiny_job(tmp_path, 0))
    os.kill(executor.worker_pids()[0], signal.SIGKILL)
    ended = finish(executor)
    assert (ended.verdict, ended.attempt) == ("complete", 1)


@pytest.mark.parametrize(("runner", "text"), [
    ("no_such_module:run", "ModuleNotFoundError: No module named 'no_such_module'"),
    ("paddle_transfer.errors:nothing", "has no attribute 'nothing'")])
def test_a_runner_that_cannot_be_imported_stops_everything(tmp_path, runner, text):
    executor = local_executor(devices=["cpu:0"], runner=runner, log_dir=tmp_path)
    executor.submit(tiny_job(tmp_path, 0))
    with pytest.raises(SetupError, match=re.escape(text)) as caught:
        finish(executor)
    assert "Traceback" not in str(caught.value)
    assert "worker-0.log" in str(caught.value)
    executor.close()


def runner_module(folder: Path, monkeypatch, text: str) -> str:
    (folder / "odd_runner.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return "odd_runner:run"


def test_a_setup_error_at_import_is_passed_on_as_it_is(tmp_path, monkeypatch):
    runner = runner_module(tmp_path, monkeypatch, "from paddle_transfer.errors import SetupError\n"
                           "raise SetupError('Paddle is missing. pip install paddlepaddle')")
    executor = local_executor(devices=["cpu:0"], runner=runner, log_dir=tmp_path)
    executor.submit(tiny_job(tmp_path, 0))
    with pytest.raises(SetupError, match=r"^Paddle is missing\. pip install paddlepaddle$"):
        finish(executor)
    executor.close()


def test_a_worker_that_dies_whenever_it_starts_is_an_error_with_its_log(tmp_path, monkeypatch):
    runner = runner_module(tmp_path, monkeypatch,
                           "import os, sys\nprint('bad library', flush=True)\nos._exit(5)")
    executor = local_executor(devices=["cpu:0"], runner=runner, log_dir=tmp_path)
    executor.submit(tiny_job(tmp_path, 0))
    with pytest.raises(SetupError,
                       match=r"died 3 times before it was ready \(exit code 5\)(.|\n)*bad library"):
        finish(executor)
    executor.close()


def test_a_worker_that_never_gets_ready_is_an_error(tmp_path, monkeypatch):
    clock = FakeClock()
    runner = runner_module(tmp_path, monkeypatch, "import signal\nsignal.pause()")
    executor = local_executor(devices=["cpu:0"], runner=runner, log_dir=tmp_path,
                             startup_timeout=100, clock=clock)
    executor.submit(tiny_job(tmp_path, 0))
    executor.poll(0)
    clock.advance(51)
    executor.poll(0)
    clock.advance(51)
    with pytest.raises(SetupError, match="not ready after 100 s"):
        finish(executor)
    executor.close()


@pytest.mark.parametrize(("how", "error"), [("setup", SetupError), ("disk_full", DiskFull)])
def test_what_concerns_every_trial_is_raised(tmp_path, executor, how, error):
    executor.submit(tiny_job(tmp_path, 0, misbehave=how))
    with pytest.raises(error):
        finish(executor)


@pytest.mark.parametrize(("returns", "verdict"),
                         [("{}", "invalid"), ("None", "invalid"), ("{'value': 1}", "invalid"),
                          ("{'value': float('nan'), 'curve': [[1, 1.0]]}", "diverged")])
def test_a_runner_that_returns_nonsense(tmp_path, monkeypatch, returns, verdict):
    runner = runner_module(tmp_path, monkeypatch, f"def run(job, report):\n    return {returns}")
    executor = local_executor(devices=["cpu:0"], runner=runner, log_dir=tmp_path)
    executor.submit(tiny_job(tmp_path, 0))
    assert finish(executor).verdict == verdict
    executor.close()


def test_a_metric_that_is_no_number_is_divergence(tmp_path, monkeypatch):
    runner = runner_module(
        tmp_path, monkeypatch, "def run(job, report):\n    report(epoch=1, value=0.5)\n"
        "    report(epoch=2, value=float('inf'))")
    executor = local_executor(devices=["cpu:0"], runner=runner, log_dir=tmp_path)
    ended = run(executor, tiny_job(tmp_path, 0))
    assert ended.verdict == "diverged"
    assert ended.result["curve"] == [[1, 0.5]]
    assert "inf after epoch 2" in ended.message
    executor.close()


def test_the_environment_of_a_worker(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert worker_environment("cpu:3")["CUDA_VISIBLE_DEVICES"] == ""
    assert worker_environment("gpu:3")["CUDA_VISIBLE_DEVICES"] == "3"
    assert worker_environment("cpu:0")["OMP_NUM_THREADS"] == "1"
    assert worker_environment("cpu:0")["MALLOC_TRIM_THRESHOLD_"] == str(2**30)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert worker_environment("cpu:0")["OMP_NUM_THREADS"] == "4"


def test_a_module_in_the_users_folder_is_none_of_the_workers(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise RuntimeError('not this one')")
    (tmp_path / "yaml.py").write_text("raise RuntimeError('not this one')")
    monkeypatch.chdir(tmp_path)
    executor = local_executor(devices=["cpu:0"], runner=RUNNER, log_dir=tmp_path)
    assert run(executor, tiny_job(tmp_path, 0)).verdict == "complete"
    executor.close()


def test_half_a_line_of_a_killed_worker_is_dropped(tmp_path):
    worker = WorkerProcess(device="cpu:0", runner=RUNNER, log=tmp_path / "log")
    worker.end()
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    worker.reports, worker.pidfd = reading, None
    os.write(writing, b'{"type": "epoch"}\nnoise\n[1]\n{"type": "end')
    assert worker.receive() == ([{"type": "epoch"}], False)
    os.close(writing)
    assert worker.receive() == ([], True)
    os.close(reading)


def test_it_works_without_pidfd(tmp_path, monkeypatch):
    monkeypatch.setattr("paddle_transfer.executors.process._pidfd", lambda _: None)
    executor = local_executor(devices=["cpu:0"], runner=RUNNER, log_dir=tmp_path)
    assert run(executor, tiny_job(tmp_path, 0, misbehave="kill_self")).verdict == "killed"
    assert run(executor, tiny_job(tmp_path, 1)).verdict == "complete"
    executor.close()


def gpus(folder, *devices, used=0.0):
    """An executor on ``devices`` that sets aside those that fail; of the memory of each, somebody
    else uses ``used`` of 10 GB."""
    return local_executor(devices=devices, runner=RUNNER, log_dir=folder / "logs",
                          watch=DeviceWatch(memory=lambda _: GpuMemory(used, 10 * GB)))


def ends(executor, folder, *jobs):
    """The verdicts of jobs of one kind, one after the other, each with its device."""
    found = []
    for number, how in enumerate(jobs):
        device = executor.submit(tiny_job(folder, number, misbehave=how))
        found.append((device, str(finish(executor).verdict)))
    return found


def test_a_device_that_fails_twice_in_a_row_is_set_aside(tmp_path, capfd):
    """Trials that come after a failure try the other devices first."""
    executor = gpus(tmp_path, "gpu:0", "gpu:1")
    found = ends(executor, tmp_path, "gpu_0", None, "gpu_1", "gpu_0")
    assert found == [("gpu:0", "killed"), ("gpu:1", "complete"), ("gpu:1", "killed"),
                     ("gpu:0", "killed")]
    assert (executor.slots, executor.free()) == (1, 1)
    told = capfd.readouterr().err
    assert re.match(r"gpu:0 has failed 2 times in a row and is set aside; the search goes on with "
                    r"gpu:1: OSError: .*CUDA error\(46\)", told)
    assert ends(executor, tmp_path, None, "raise", None)[0] == ("gpu:1", "complete")
    executor.close()


def test_a_device_that_works_in_between_is_not_set_aside(tmp_path, capfd):
    executor = gpus(tmp_path, "gpu:0")
    assert [how for _, how in ends(executor, tmp_path, "gpu", None, "gpu", "raise", "gpu")] == [
        "killed", "complete", "killed", "crashed", "killed"]
    assert executor.slots == 1
    assert not capfd.readouterr().err
    executor.close()


@pytest.mark.parametrize("how", ["gpu", "no_gpu"])
def test_a_search_ends_when_no_device_is_left(tmp_path, how):
    """The trials that met it are told first: they are tried again, later."""
    executor = gpus(tmp_path, "gpu:0", "gpu:1")
    assert [verdict for _, verdict in ends(executor, tmp_path, *[how] * 4)] == ["killed"] * 4
    assert (executor.slots, executor.free()) == (0, 0)
    with pytest.raises(SetupError, match=r"(?s)no device is left, .*gpu:0: .*; gpu:1: .*"
                                         r"nvidia-smi.*the same command goes on"):
        executor.poll(0)
    executor.close()


def test_memory_that_somebody_else_uses_is_the_devices_fault(tmp_path):
    executor = gpus(tmp_path, "gpu:0", used=4 * GB)
    executor.submit(tiny_job(tmp_path, 0, misbehave="memory"))
    ended = finish(executor)
    assert ended.verdict == "killed"
    assert ended.message == ("gpu:0 failed: out of memory, 4.0 of 10.0 GB of which somebody else "
                             "uses")
    executor.close()
    executor = gpus(tmp_path, "gpu:0", used=0.9 * GB)  # a screen
    assert ends(executor, tmp_path, "memory", "memory") == [("gpu:0", "out_of_memory")] * 2
    assert executor.slots == 1
    executor.close()


def test_a_cpu_is_not_set_aside(tmp_path):
    executor = gpus(tmp_path, "cpu:0", used=9 * GB)
    assert ends(executor, tmp_path, "gpu", "gpu", "memory", "memory") == [
        ("cpu:0", "crashed")] * 2 + [("cpu:0", "out_of_memory")] * 2
    executor.close()


@pytest.mark.parametrize(("kills", "attempt", "verdict"), [
    ([0, 1], 1, "killed"), ([0, 1], 2, "out_of_memory"), ([3, 3], 2, "killed")])
def test_a_process_that_the_kernel_ended_for_lack_of_memory(tmp_path, kills, attempt, verdict):
    """The first time it may have been another process's fault."""
    executor = local_executor(devices=["cpu:0"], runner=RUNNER, log_dir=tmp_path,
                              memory_kills=iter(kills).__next__)
    ended = run(executor, tiny_job(tmp_path, 0, attempt=attempt, misbehave="kill_self"))
    assert ended.verdict == verdict
    assert ("the kernel has ended processes" in ended.message) == (kills[0] != kills[1])
    executor.close()


def test_two_trials_on_one_gpu_share_its_failures(tmp_path, capfd):
    """What the other one holds of its memory is not somebody else's."""
    executor = gpus(tmp_path, "gpu:0", "gpu:0#2", used=9 * GB)
    executor.submit(tiny_job(tmp_path, 0, epochs=100_000, pause=0.01))
    for number, how, verdict in ((1, "memory", "out_of_memory"), (2, "gpu_0", "killed"),
                                 (3, "gpu_0", "killed")):
        assert executor.submit(tiny_job(tmp_path, number, misbehave=how)) == "gpu:0#2"
        assert finish(executor).verdict == verdict
    assert (executor.slots, executor.free(), executor.running()) == (1, 0, {0})
    assert "gpu:0 has failed 2 times in a row and is set aside" in capfd.readouterr().err
    executor.stop(0)
    assert finish(executor).verdict == "pruned"
    assert executor.free() == 1, "it works, with one trial on it"
    executor.close()
