"""One process at a time: a lock that dies with its holder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

POLL_SECONDS = 0.2


@contextmanager
def locked(path: Path, *, sleep: Callable[[float], None],
           waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock ``path``, a file that tells its holder's process id. Its folder is made.

    :param sleep: waits some seconds between two tries; may raise
    :param waiting: called once, with the holder's process id as far as known, when another holds it
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock, told = FileLock(path, on_acquired=_write_holder), False
    while not lock.is_locked:
        try:
            lock.acquire(blocking=False)
        except Timeout:
            if not told:
                waiting(path.read_text(errors="replace").strip() or "?")
            told = True
            sleep(POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()


def _write_holder(descriptor: int) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
