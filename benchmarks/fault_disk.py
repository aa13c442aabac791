"""A disk that fails, and a process that is killed, at a given write below a folder.

Every change of the file system is counted, by Python's audit events: files opened for writing,
renamed, linked, deleted, cut, folders made; and ``os.write``, the only writes that append.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from paddle_transfer.study.records import Word

_CHANGES = {"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"}
_WRITING = os.O_WRONLY | os.O_RDWR


class Killed(BaseException):
    """Where a real process would be gone."""


class DiskFault(Word):
    """What happens at the write."""

    KILL = "kill"  #: the process is gone; one that appends has written half
    FULL = "full"  #: no space, from then on
    FULL_ONCE = "full once"  #: no space, this time


class Disk:
    """``with disk.watched():`` the ``at``-th change (from 1) in ``folder`` meets with ``fault``.

    :ivar writes: the changes so far
    :ivar happened: whether the fault has
    """

    def __init__(self, folder: str, fault: DiskFault | None = None, at: int = 0):
        self.folder, self._fault, self._at = folder, fault, at
        self.writes, self.happened = 0, False

    @contextmanager
    def watched(self) -> Iterator[None]:
        _install()
        write, sync, _watching[:] = os.write, os.fsync, [self]
        os.write, os.fsync = self._writer(write), lambda _: None  # the machine itself does not fail
        try:
            yield
        finally:
            os.write, os.fsync, _watching[:] = write, sync, []

    def changes(self) -> None:
        """Called before every change. Raises Killed, OSError."""
        self.writes += 1
        if self._is_time():
            self._fail()

    def kill(self) -> NoReturn:
        """The process is gone, whatever it writes next."""
        self._fault, self._at, self.writes = DiskFault.KILL, 0, 1
        self._fail()
        raise AssertionError

    def _is_time(self) -> bool:
        if self._fault is None or self.writes < self._at:
            return False
        return self._fault is not DiskFault.FULL_ONCE or not self.happened

    def _fail(self) -> None:
        self.happened = True
        if self._fault is DiskFault.KILL:
            raise Killed
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.folder)

    def _writer(self, write: Callable[[int, Any], int]) -> Callable[[int, Any], int]:
        def watched(descriptor: int, data: Any) -> int:
            self.writes += 1
            if self._is_time():
                if not self.happened:
                    write(descriptor, bytes(data)[:len(data) // 2])
                self._fail()
            return write(descriptor, data)

        return watched


_watching: list[Disk] = []
_installed: list[bool] = []


def _install() -> None:
    if not _installed:  # a hook stays for good
        sys.addaudithook(_hear)
        _installed.append(True)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    if event == "open":
        path, _, flags = arguments
        if isinstance(path, int) or not flags & _WRITING:
            return
    elif event in _CHANGES:
        path = arguments[0]
    else:
        return
    disk = _watching[0]
    if not isinstance(path, str | bytes) or not os.path.isabs(path) or os.fsdecode(
            path).startswith(disk.folder):
        disk.changes()
