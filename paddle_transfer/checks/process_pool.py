"""Jobs spread over processes, such that a job which kills its process is known and costs no other one anything."""

from __future__ import annotations

import multiprocessing
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from paddle_transfer.errors import DataError

#: A process holds a second job while it works on the first, so that it never waits for us. A larger one (bytes) is
#: only sent to a process that is reading: its pipe might not hold it, and both sides would wait for each other.
_AHEAD = 2
_FITS_A_PIPE = 32_000


@dataclass
class _Worker:
    """``jobs`` are in its hands, as (job, what was sent); the first is being worked on."""

    process: Any
    connection: Connection
    ready: bool = False
    jobs: deque = field(default_factory=deque)


def spread(jobs: Iterable[Any], work: Callable[[Any], Any], *, processes: int,
           prepare: Callable[[], None]) -> Iterator[tuple[Any, list | None]]:
    """(job, [what ``work`` returned for it]) for all ``jobs``, in the order in which they are done; (job, None) when
    its process died of it.

    :param jobs: gone through once, as processes become free
    :param work: with ``prepare``, which each process begins with, a function at the top of a module
    Raises what ``work`` raises, and DataError when a process cannot even begin.
    """
    # fork is quick, but only right while nobody else holds a lock
    fork = threading.active_count() == 1 and "fork" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if fork else "spawn")
    waiting, workers = _Jobs(jobs), []
    try:
        while waiting.more() or any(worker.jobs for worker in workers):
            while len(workers) < processes and waiting.more():
                workers.append(_start(context, workers, work, prepare))
            for worker in workers:
                _feed(worker, waiting)
            for connection in wait([worker.connection for worker in workers]):
                worker = next(worker for worker in workers if worker.connection is connection)
                try:
                    answer = connection.recv()
                except (EOFError, ConnectionError):
                    workers.remove(worker)
                    yield from _died(worker, waiting)
                    continue
                if not worker.ready:
                    worker.ready = True
                elif isinstance(answer, BaseException):
                    raise answer
                else:
                    job = worker.jobs.popleft()[0]
                    _feed(worker, waiting)
                    yield job, [answer]
    finally:
        for worker in workers:
            worker.connection.close()
            worker.process.kill()  # there is nothing that it could still be good for
            worker.process.join()


class _Jobs:
    """What is still to be done: (job, as it is sent)."""

    def __init__(self, jobs: Iterable[Any]):
        self._jobs, self._back = iter(jobs), deque()

    def more(self) -> bool:
        if not self._back:
            for job in self._jobs:
                self._back.append((job, multiprocessing.reduction.ForkingPickler.dumps(job)))
                break
        return bool(self._back)

    def next(self) -> tuple[Any, Any]:
        return self._back[0]

    def take(self) -> tuple[Any, Any]:
        return self._back.popleft()

    def put_back(self, jobs: Iterable[tuple[Any, Any]]) -> None:
        self._back.extendleft(jobs)


def _feed(worker: _Worker, waiting: _Jobs) -> None:
    while worker.ready and len(worker.jobs) < _AHEAD and waiting.more():
        if worker.jobs and len(waiting.next()[1]) > _FITS_A_PIPE:
            return
        worker.jobs.append(waiting.take())
        try:
            worker.connection.send_bytes(worker.jobs[-1][1])
        except ConnectionError:
            return  # it is dead, which the next look at its pipe will say


def _died(worker: _Worker, waiting: _Jobs) -> Iterator[tuple[Any, None]]:
    worker.process.join()
    worker.connection.close()
    if not worker.ready:
        raise DataError(
            f"a process that looks at images could not begin (exit code {worker.process.exitcode}). "
            "One process does without: --processes 1")
    guilty = [worker.jobs.popleft()[0]] if worker.jobs else []
    waiting.put_back(worker.jobs)
    for job in guilty:
        yield job, None


def _start(context, others: Sequence[_Worker], work: Callable, prepare: Callable) -> _Worker:
    ours, theirs = context.Pipe()
    # a forked process has our ends of all pipes, and would keep itself and the others from hearing that we are dead
    inherited = [ours, *(other.connection
                         for other in others)] if context.get_start_method() == "fork" else []
    process = context.Process(target=_serve, args=(theirs, inherited, work, prepare), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _serve(connection: Connection, inherited: Sequence[Connection], work: Callable,
           prepare: Callable) -> None:
    for other in inherited:
        other.close()
    prepare()
    try:
        connection.send(True)
        while True:
            job = connection.recv()
            try:
                answer = work(job)
            except Exception as error:
                answer = error
            connection.send(answer)
    except (EOFError, ConnectionError, KeyboardInterrupt):
        return  # the parent is gone, or is being stopped
