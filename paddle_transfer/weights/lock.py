"""One at a time, between processes: a lock that dies with its holder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

POLL_SECONDS = 0.2


@contextmanager
def locked(path: Path, *, sleep: Callable[[float], None],
           waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold ``path``'s lock (flock: the kernel drops it when the holder dies, however it dies).

    The file itself stays: removing it would let two holders in.

    :param waiting: called once, with the holder's process id as far as known, when another holds it
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        told = False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    waiting(os.pread(handle, 20, 0).decode("ascii", "replace").strip() or "?")
                    told = True
                sleep(POLL_SECONDS)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)
