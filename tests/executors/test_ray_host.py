"""What a node must have: the search's folder, and what trials read, under the same path."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from paddle_transfer.errors import DiskFull, SetupError
from paddle_transfer.executors import ray_host
from paddle_transfer.executors.base import ExecutorContext, Job
from paddle_transfer.executors.ray_host import Failure, Host, Shared, leave_mark, look
from paddle_transfer.executors.ray_ship import Shipment
from tests.executors.test_worker_end import gone

RUNNER = "tests.helpers.tiny_runner:run"


@pytest.fixture
def shared(tmp_path, monkeypatch):
    monkeypatch.setenv("PADDLE_TEST", "0")  # hosts set it
    monkeypatch.setattr(ray_host, "end_with", lambda _: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out" / "logs").mkdir(parents=True)
    (tmp_path / "out" / "logs" / ".ray").write_text("token")
    (tmp_path / "list.txt").write_text("")
    return Shared(str(tmp_path), ["list.txt"], "out/logs/.ray", "token", {"PADDLE_TEST": "1"})


def test_a_node_with_all_of_it_is_fine(shared, monkeypatch):
    monkeypatch.chdir("/")
    assert look(shared).fault == ""
    assert os.getcwd() == shared.folder


@pytest.mark.parametrize(("changes", "text"), [
    ({"folder": "/no/where"}, "cannot enter /no/where: No such file or directory. Every node "
     "needs it under the same path, for example on NFS"),
    ({"paths": ["list.txt", "pictures"]}, "does not see {}/pictures. Every node"),
    ({"mark": "other/logs/.ray"}, "does not see the search's folder {}/other: No such file"),
    ({"token": "of another disk"}, "has another folder than the search at {}/out. Every node"),
    ({"version": "0.0.1"}, ", the search 0.0.1. Install the same on every node")])
def test_what_it_lacks(shared, changes, text):
    assert text.format(shared.folder) in look(replace(shared, **changes)).fault


def test_a_process_ends_with_its_parent_although_that_stays_a_zombie():
    child = ("import os, time; from paddle_transfer.executors.ray_host import end_with; "
             "end_with(os.getppid()); print(os.getpid(), flush=True); time.sleep(600)")
    with subprocess.Popen([sys.executable, "-c", "import subprocess, sys; subprocess.run("
                           f"[sys.executable, '-c', {child!r}])"],
                          stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        os.kill(parent.pid, signal.SIGKILL)
        os.waitid(os.P_PID, parent.pid, os.WEXITED | os.WNOWAIT)  # it is not reaped
        assert gone(pid)


def test_what_cannot_be_sent_there(shared, monkeypatch):
    """The parent of what is sent is a file on this node."""
    sent = Shipment(f"{shared.folder}/list.txt/pictures", "digest", [0])
    monkeypatch.setattr(ray_host, "attribute_of", lambda _: None)
    assert (f"cannot write {sent.path}, which executor.ship sends there: "
            in look(replace(shared, shipments=[sent])).fault)


def test_a_folder_that_cannot_be_written(shared, monkeypatch):
    monkeypatch.setattr(ray_host.os, "access", lambda *_: False)
    assert f"cannot write to {shared.folder}/out" in look(shared).fault


def test_a_host_that_lacks_something_takes_no_job(shared):
    host = Host(ExecutorContext((), RUNNER, shared.mark), on_gpu=False, startup_timeout=60.0)
    assert host.open(replace(shared, paths=["nothing"])).fault
    with pytest.raises(AssertionError):
        host.submit(Job(0, 1, "trials/0000"))
    host.stop(0)
    host.close()


@pytest.mark.parametrize(("on_gpu", "device"), [(False, "cpu:0"), (True, "gpu:2,3")])
def test_a_host_uses_the_gpus_that_ray_has_given_it(shared, monkeypatch, tmp_path, on_gpu, device):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    host = Host(ExecutorContext((), RUNNER, tmp_path / "logs"), on_gpu=on_gpu, startup_timeout=60.0)
    assert host.open(shared).device == device
    assert os.environ["PADDLE_TEST"] == "1"
    host.close()


def test_an_error_comes_whole_through_pickle():
    error = DiskFull("/out")
    sent = pickle.loads(pickle.dumps(Failure(type(error), str(error)))).error("n1")
    assert type(sent) is DiskFull
    assert str(sent) == f"node n1: {error}"


def test_a_mark_that_a_worker_holds_is_waited_for(shared, tmp_path):
    host = Host(ExecutorContext((), RUNNER, tmp_path / "logs"), on_gpu=False, startup_timeout=60.0)
    assert host.open(shared).fault == ""
    mark = tmp_path / "out" / "logs" / ".ray"
    with pytest.raises(SetupError, match=f"^{tmp_path}/out: workers of an earlier search still"):
        leave_mark(mark, "another", patience=0)
    assert mark.read_text() == "token"
    os.close(host._executor._context.keep_fds[0])
    leave_mark(mark, "another", patience=0)
    assert mark.read_text() == "another"
