"""Optuna's journal file, made to survive a kill at any byte and a full disk."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend

from paddle_transfer.errors import StudyError
from paddle_transfer.files import open_file
from paddle_transfer.study.folder import WAYS_OUT


class Journal(JournalFileBackend):
    """One JSON object a line, appended as a whole or not at all.

    Locking is ``flock`` on the journal itself: the kernel releases it when a process dies, whereas
    the lock files of Optuna's class stay and make the next process wait for half a minute.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self._path = Path(path)
        super().__init__(str(path))
        self._offsets = {0: 0}  # number of an entry -> where the line behind it begins

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """The entries from ``log_number_from`` on; blank lines are none, and a line that is being
        written is not one yet. Raises StudyError for a line that is no entry."""
        number = log_number_from if log_number_from in self._offsets else 0
        with open_file(self._path) as file:
            file.seek(self._offsets[number])
            for line in file:
                if not line.endswith(b"\n"):
                    return
                entry = _entry(line)
                if entry is None and line.strip():
                    raise StudyError(_no_entry(self._path, f"behind entry {number}", line))
                if entry is None:
                    continue
                number += 1
                self._offsets[number] = file.tell()
                if number > log_number_from:
                    yield entry

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
    line, when a line before the last one is broken: that is no torn write. OSError: it is no file,
    or cannot be read.
    """
    path, data = Path(path), b""
    if os.path.lexists(path):
        with open_file(path) as file:
            data = file.read()
    good, lines = 0, data.split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):
        if _entry(line) is not None or not line.strip():
            good += len(line) + 1
        elif number == len(lines) - 1 or not data[good:].strip(b"\0\n"):
            break  # the last whole line, or zeros that a crash of the machine left
        else:
            raise StudyError(_no_entry(path, f"line {number}", line))
    if good < len(data):
        with open(path, "r+b") as file:
            file.truncate(good)
            os.fsync(file.fileno())
    return len(data) - good


def _no_entry(path: Path, where: str, line: bytes) -> str:
    return (f"{path}: {where}: every line must be a JSON object; found {line[:60]!r}. The file was "
            f"changed by something else. {WAYS_OUT}")


def _entry(line: bytes) -> dict[str, Any] | None:
    """The entry in a line; None when there is none."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and "op_code" in entry else None
