"""Jobs in processes: all are done, one that kills its process is known, nothing is left behind."""

import multiprocessing
import os
import select
import signal

import pytest

from paddle_transfer.checks import process_pool
from paddle_transfer.checks.process_pool import run_jobs
from paddle_transfer.errors import DataError


def double(job):
    if job == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if job == "raise":
        raise ValueError("a mistake of ours")
    return job, os.getpid()


def nothing():
    pass


def die():
    os._exit(3)


def run(jobs, *, work=double, prepare=nothing, processes=2):
    return list(run_jobs(jobs, work, processes=processes, prepare=prepare))


@pytest.fixture(autouse=True)
def nobody_stays():
    yield
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("threads", [1, 2])  # forked, spawned
def test_every_job_is_done_once_by_other_processes(monkeypatch, threads):
    monkeypatch.setattr(process_pool.threading, "active_count", lambda: threads)
    done = run(iter(range(40)))
    assert sorted(job for job, _ in done) == list(range(40))
    assert all(answer[0] == job for job, answer in done)
    assert os.getpid() not in {answer[1] for _, answer in done}
    assert run([]) == []


def test_a_job_that_kills_its_process_costs_no_other_one(monkeypatch):
    monkeypatch.setattr(process_pool.threading, "active_count", lambda: 1)
    jobs = [*range(10), "kill", *range(10, 20), "kill", "kill", *range(20, 30)]
    done = run(jobs)
    assert [job for job, answer in done if answer is None] == ["kill"] * 3
    assert sorted(job for job, answer in done if answer) == list(range(30))


def test_jobs_and_answers_larger_than_a_pipe(monkeypatch):
    monkeypatch.setattr(process_pool.threading, "active_count", lambda: 1)
    jobs = [str(i) * 3_000_000 for i in range(6)]
    assert sorted(job for job, answer in run(jobs) if answer[0] == job) == jobs


def test_a_mistake_in_the_work_is_raised():
    with pytest.raises(ValueError, match="a mistake of ours"):
        run([1, "raise", 2])


def test_processes_that_cannot_begin_are_no_endless_loop():
    with pytest.raises(DataError, match=r"could not begin \(exit code 3\).*--processes 1"):
        run(range(1000), prepare=die)


def test_who_stops_listening_leaves_nobody_behind():
    results = run_jobs(range(1000), double, processes=2, prepare=nothing)
    next(results)
    results.close()


def test_processes_end_when_their_parent_is_killed():
    """Each process holds an end of a pipe, which is closed when the last of them is gone."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(ours)
        for _ in run_jobs(range(10**9), double, processes=3, prepare=nothing):
            os.kill(os.getpid(), signal.SIGKILL)
    os.close(theirs)
    os.waitpid(pid, 0)
    assert select.select([ours], [], [], 60)[0]
    assert os.read(ours, 1) == b""
    os.close(ours)
