"""One search at a time in an output directory, however the one before ended."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from paddle_transfer.errors import StudyError
from paddle_transfer.study.folder import is_own, is_search_folder, move_entries

LOCK_NAME = ".lock"
#: Seconds to wait for a search that is just ending, and for workers whose parent was killed: they
#: end by themselves, data loaders within a few seconds.
_PATIENCE, _ORPHANS = 1.0, 30.0


class DirectoryLock:
    """``output_dir/.lock``, locked with ``flock``. Workers inherit ``fd``, so the lock stays taken
    until the last of them is gone, even when the parent was killed; a dead process holds nothing.

    Raises StudyError, naming the other process, when it is taken; OSError when it is not writable.
    """

    def __init__(self, output_dir: str | os.PathLike[str], *,
                 clock: Callable[[], float] = time.monotonic,
                 pause: Callable[[float], None] = time.sleep):
        self.path = Path(output_dir) / LOCK_NAME
        self.path.parent.mkdir(parents=True, exist_ok=True)
        begun = clock()
        while True:
            self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._still_there():
                    break
                os.close(self.fd)  # moved aside by a search with --fresh between the two calls
            except BlockingIOError:
                owner = _read_pid(self.fd)
                os.close(self.fd)
                if clock() - begun > (_PATIENCE if owner and _is_alive(owner) else _ORPHANS):
                    raise self._taken(owner) from None
                pause(0.05)
        try:
            os.ftruncate(self.fd, 0)
            os.pwrite(self.fd, f"{os.getpid()}\n".encode(), 0)
        except BaseException:  # a full disk; this process may try again
            self.close()
            raise

    def close(self) -> None:
        """Release. Not by unlocking: that would take the lock from workers that still live."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> DirectoryLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _still_there(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self.fd), os.stat(self.path))
        except FileNotFoundError:
            return False

    def _taken(self, owner: int | None) -> StudyError:
        folder = self.path.parent
        if owner and _is_alive(owner):
            return StudyError(
                f"{folder}: another search is at work here (pid {owner}). Wait for it, stop it "
                f"with 'kill {owner}', or choose another output_dir")
        pids = ", ".join(map(str, holders(self.path))) or "unknown"
        return StudyError(f"{folder}: processes of an earlier search still run (pid {pids}). End "
                          "them, then give the same command again")


def move_aside(output_dir: str | os.PathLike[str],
               lock: DirectoryLock) -> tuple[DirectoryLock, Path | None, list[str]]:
    """Move the earlier run in ``output_dir`` to ``<output_dir>.<time>``; (the lock, where the run
    is now, the names of what stays).

    A folder that holds nothing else is renamed as a whole, a new one takes its place. What no
    search wrote stays; where no search has been everything stays, and the second part is None.
    """
    folder = Path(os.path.realpath(output_dir))
    names = sorted(path.name for path in folder.iterdir() if path.name != LOCK_NAME)
    strange = [name for name in names if not is_own(name)]
    if not names or not is_search_folder(folder):
        return lock, None, strange
    stamp, count = datetime.now().strftime("%Y%m%d-%H%M%S"), 1
    target = folder.with_name(f"{folder.name}.{stamp}")
    while target.exists():
        count += 1
        target = folder.with_name(f"{folder.name}.{stamp}-{count}")
    try:
        if strange:
            return lock, target, move_entries(folder, target)
        folder.rename(target)
    except OSError as error:
        raise StudyError(f"{folder}: cannot be moved aside to {target}: {error.strerror}. "
                         "Choose another output_dir") from error
    fresh = DirectoryLock(folder)
    lock.close()
    return fresh, target, []


def holders(path: Path) -> list[int]:
    """The pids of the other processes that have ``path`` open, as far as /proc shows them."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.path.samefile(link, path) for link in (process / "fd").iterdir()
                   if os.path.exists(link)):
                found.append(int(process.name))
        except OSError:
            continue
    return sorted(pid for pid in found if pid != os.getpid())


def _read_pid(fd: int) -> int | None:
    text = os.pread(fd, 32, 0).strip()
    return int(text) if text.isdigit() else None


def _is_alive(pid: int) -> bool:
    """Whether ``pid`` runs; a zombie, where /proc tells, does not."""
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] not in ("Z", "X")
    except ProcessLookupError:
        return False
    except (OSError, IndexError):  # another user's, or a system without /proc
        return True
