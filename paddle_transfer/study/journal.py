"""Optuna's journal file, made to survive a kill at any byte and a full disk."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend

from paddle_transfer.errors import StudyError


class Journal(JournalFileBackend):
    """One JSON object a line, appended as a whole or not at all.

    Locking is ``flock`` on the journal itself: the kernel releases it when a process dies, whereas
    the lock files of Optuna's class stay and make the next process wait for half a minute.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self._path = Path(path)
        super().__init__(str(path))

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append and fsync.

        Raises OSError (a full disk, say) with the file cut back to its former length, so that later
        writes of this process do not continue a torn line.
        """
        data = b"".join(json.dumps(log, separators=(",", ":")).encode() + b"\n" for log in logs)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(descriptor, rest):]
                os.fsync(descriptor)
            except BaseException:
                os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)


def repair(path: str | os.PathLike[str]) -> int:
    """Cut off the torn line that a kill in the middle of a write left at the end of the journal;
    returns how many bytes were removed. No trial is lost: the line was never reported as written.

    Only for the process that holds the output directory's lock. Raises StudyError, naming file and
    line, when a line before the last one is broken: that is no torn write.
    """
    path = Path(path)
    data = path.read_bytes() if path.exists() else b""
    good, lines = 0, data.split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):
        if _is_entry(line):
            good += len(line) + 1
        elif number == len(lines) - 1 or not data[good:].strip(b"\0\n"):
            break  # the last whole line, or zeros that a crash of the machine left
        else:
            raise StudyError(
                f"{path}: line {number}: every line must be a JSON object; found {line[:60]!r}. "
                "The file was changed by something else. Put back a copy, or start anew with "
                "--fresh (the old run is moved aside)")
    if good < len(data):
        with open(path, "r+b") as file:
            file.truncate(good)
            os.fsync(file.fileno())
    return len(data) - good


def _is_entry(line: bytes) -> bool:
    try:
        entry = json.loads(line)
    except ValueError:
        return False
    return isinstance(entry, dict) and "op_code" in entry
