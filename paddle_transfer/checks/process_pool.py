"""Jobs in processes. A job that kills its process is reported; all other jobs are still done."""

import multiprocessing
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkContext, SpawnContext
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from typing import Generic, TypeVar

from paddle_transfer.errors import DataError

J = TypeVar("J")
R = TypeVar("R")

#: A process holds a second job while it works on the first, so it never waits for this one. A
#: larger job (bytes) is only sent to an idle process: it might not fit its pipe, a deadlock.
_JOBS_AHEAD = 2
_FITS_A_PIPE = 32_000


@dataclass
class _Process(Generic[J]):
    """One process. ``jobs`` (with their pickles) were sent to it; it works on the first."""

    process: BaseProcess
    connection: Connection
    ready: bool = False
    jobs: deque[tuple[J, memoryview]] = field(default_factory=deque)


class _Queue(Generic[J]):
    """Jobs that were not sent yet, with their pickles."""

    def __init__(self, jobs: Iterable[J]):
        self._jobs = iter(jobs)
        self.front: deque[tuple[J, memoryview]] = deque()

    def __bool__(self) -> bool:
        if not self.front:
            self.front.extend((job, ForkingPickler.dumps(job)) for job in islice(self._jobs, 1))
        return bool(self.front)


def run_jobs(jobs: Iterable[J], work: Callable[[J], R], *, processes: int,
             prepare: Callable[[], None]) -> Iterator[tuple[J, R | None]]:
    """(job, ``work(job)``) in the order in which jobs finish; (job, None) if its process died.

    Raises what ``work`` raises, and DataError if a process cannot even start.

    :param jobs: iterated once, as processes become free
    :param work: as ``prepare``, which each process begins with, a function of a module; never None
    """
    # fork is quick, but only right while no other thread holds a lock
    fork = threading.active_count() == 1 and "fork" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork") if fork else multiprocessing.get_context("spawn")
    queue, pool = _Queue(jobs), list[_Process[J]]()
    try:
        while queue or any(process.jobs for process in pool):
            while len(pool) < processes and queue:
                pool.append(_start(context, pool, work, prepare))
            for process in pool:
                _send_jobs(process, queue)
            ready = wait([process.connection for process in pool])
            for process in [process for process in pool if process.connection in ready]:
                try:
                    answer = process.connection.recv()
                except (EOFError, ConnectionError):
                    pool.remove(process)
                    yield from ((job, None) for job in _killed_by(process, queue))
                    continue
                if not process.ready:
                    process.ready = True
                elif isinstance(answer, BaseException):
                    raise answer
                else:
                    job, _ = process.jobs.popleft()
                    _send_jobs(process, queue)
                    yield job, answer
    finally:
        for process in pool:
            process.connection.close()
            process.process.kill()
            process.process.join()


def _send_jobs(process: _Process[J], queue: _Queue[J]) -> None:
    while process.ready and len(process.jobs) < _JOBS_AHEAD and queue:
        if process.jobs and len(queue.front[0][1]) > _FITS_A_PIPE:
            return
        process.jobs.append(queue.front.popleft())
        try:
            process.connection.send_bytes(process.jobs[-1][1])
        except ConnectionError:
            return  # it is dead: reading from its pipe will tell


def _killed_by(process: _Process[J], queue: _Queue[J]) -> list[J]:
    """The job that a dead process worked on; the other one is put back into the queue."""
    process.process.join()
    process.connection.close()
    if not process.ready:
        raise DataError("a process that looks at images could not begin (exit code "
                        f"{process.process.exitcode}). One process does without: --processes 1")
    killers = [process.jobs.popleft()[0]] if process.jobs else []
    queue.front.extendleft(process.jobs)
    return killers


def _start(context: ForkContext | SpawnContext, others: Sequence[_Process[J]],
           work: Callable[[J], R], prepare: Callable[[], None]) -> _Process[J]:
    ours, theirs = context.Pipe()
    # A forked process inherits our ends of all pipes; open, they would hide our death from it.
    inherited = [ours, *(other.connection for other in others)]
    if context.get_start_method() != "fork":
        inherited = []
    process = context.Process(target=_serve, args=(theirs, inherited, work, prepare), daemon=True)
    process.start()
    theirs.close()
    return _Process(process, ours)


def _serve(connection: Connection, inherited: Sequence[Connection], work: Callable[[J], R],
           prepare: Callable[[], None]) -> None:
    for other in inherited:
        other.close()
    prepare()
    try:
        connection.send(True)
        while True:
            job = connection.recv()
            try:
                answer: R | Exception = work(job)
            except Exception as error:
                answer = error
            connection.send(answer)
    except (EOFError, ConnectionError, KeyboardInterrupt):
        return  # the parent is gone, or is being stopped
