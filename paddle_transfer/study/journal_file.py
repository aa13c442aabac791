"""A file of JSON objects, one a line, that survives a kill at any byte and a full disk: a line is
appended as a whole or not at all. Locking is ``flock`` on the file itself: the kernel releases it
when a process dies.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from paddle_transfer.clock import SteadyClock
from paddle_transfer.errors import StudyError
from paddle_transfer.files import open_file
from paddle_transfer.study.folder import WAYS_OUT

#: Seconds between two ``fsync``: what a failure of the machine may lose, and a kill does not.
SYNC = 0.1


class JournalFile(ABC):
    """The file ``path``, made when there is none; every line, those of other processes among them,
    is given to ``apply`` once.

    :param repair: cut off the torn line that a kill in the middle of a write left at the end; no
        entry is lost: the line was never reported as written. Only for the process that holds the
        output directory's lock
    :param clock: seconds, monotonic
    Raises StudyError, naming file and line, when a line before the last one is broken, which is no
    torn write. OSError: it is no file, or cannot be read.
    """

    def __init__(self, path: str | os.PathLike[str], *, repair: bool = False,
                 clock: Callable[[], float] = time.monotonic):
        self.path, self.lines, self._size = Path(path), 0, 0
        self._clock, self._unsynced, self._synced = SteadyClock(clock), False, 0.0
        if os.path.lexists(path):
            self._catch_up(repair=repair)
        else:
            self.path.touch()

    @abstractmethod
    def apply(self, entry: dict[str, Any]) -> None:
        """Take over the next entry, which is that of line ``lines + 1``."""

    def append(self, entry: Mapping[str, Any]) -> None:
        """Write ``entry`` behind those that are there, and apply it."""
        data = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        if self.write(data) != self._size:
            self._catch_up()
            return
        self.apply(json.loads(data))
        self._size += len(data)
        self.lines += 1

    def sync(self, *, now: bool = False) -> None:
        """``fsync`` what was written, unless that was done less than ``SYNC`` seconds ago."""
        if self._unsynced and (now or self._clock() - self._synced >= SYNC):
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            self._unsynced, self._synced = False, self._clock()

    def write(self, data: bytes) -> int:
        """Append a line; returns the length of the file before it. Raises OSError (a full disk,
        say) with the file cut back to that, so that later writes do not continue a torn line."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(descriptor, rest):]
            except BaseException:
                os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)
        self._unsynced = True
        return size

    def _catch_up(self, *, repair: bool = False) -> None:
        """Apply the lines behind those that were read, those of other processes among them; blank
        lines are no entries, and a line that is being written is not one yet."""
        with open_file(self.path) as file:
            file.seek(self._size)
            for line in file:
                entry = _entry(line) if line.endswith(b"\n") else None
                if entry is not None:
                    self.apply(entry)
                elif not line.endswith(b"\n") or line.strip():
                    rest = file.read()
                    if line.endswith(b"\n") and rest.strip(b"\0\n"):
                        raise StudyError(_no_entry(self.path, self.lines + 1, line))
                    break  # the last line, or zeros that a crash of the machine left
                self._size += len(line)
                self.lines += 1
        if repair and self._size < self.path.stat().st_size:
            with open(self.path, "r+b") as file:
                file.truncate(self._size)
                os.fsync(file.fileno())


def _no_entry(path: Path, number: int, line: bytes) -> str:
    return (f"{path}: line {number}: every line must be a JSON object; found {line[:60]!r}. The "
            f"file was changed by something else. {WAYS_OUT}")


def _entry(line: bytes) -> dict[str, Any] | None:
    """The entry in a line; None when there is none."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and "op_code" in entry else None
