"""Opening of files that a user names: regular files only, and no more of them than a reader takes.

A named pipe that nobody writes to would wait for ever, a device such as /dev/zero never ends.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
import tempfile
from contextlib import suppress
from typing import BinaryIO

#: What else a path can name, by the kind in its mode.
_KINDS = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device",
          stat.S_IFBLK: "a device"}


def open_file(path: str | os.PathLike[str], limit: int | None = None) -> BinaryIO:
    """The regular file ``path`` (or what a link leads to), open for reading bytes.

    :param limit: the most bytes that the caller reads
    :raises OSError: with an ``strerror`` for the user: it cannot be opened, is a folder, a named
        pipe, a socket or a device (``EINVAL``), or has more than ``limit`` bytes (``EFBIG``). A
        path with a NUL counts as missing
    """
    try:  # NONBLOCK: the opening of a pipe would wait for a writer
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except ValueError:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(path)) from None
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket, or a device that nothing stands behind
            raise _refusal(path, errno.EINVAL, "is a socket or a device, not a file") from None
        raise
    try:
        status = os.fstat(handle)
        if stat.S_ISDIR(status.st_mode):
            raise _refusal(path, errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(status.st_mode):
            kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
            raise _refusal(path, errno.EINVAL, f"is {kind}, not a file")
        if limit is not None and status.st_size > limit:
            raise _too_big(path, status.st_size, limit)
        return open(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_bytes(path: str | os.PathLike[str], limit: int) -> bytes:
    """All bytes of the regular file ``path``. Raises OSError as ``open_file`` does, also when
    ``path`` grows beyond ``limit`` while it is read."""
    with open_file(path, limit) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise _too_big(path, len(data), limit)
    return data


def claim_temporary(path: str | os.PathLike[str]) -> tuple[int, str]:
    """A new file beside ``path`` to write its next content into: (descriptor, path). It is locked
    while the descriptor is open. Those that killed writers of ``path`` left are deleted. Raises
    OSError."""
    folder, name = os.path.split(os.path.abspath(path))
    form = re.compile(re.escape(f".{name}.") + r"[a-z0-9_]{8}\.tmp")
    with os.scandir(folder) as entries:
        left = [entry.path for entry in entries if form.fullmatch(entry.name)]
    for one in left:
        delete_unlocked(one)
    while True:
        handle, temporary = tempfile.mkstemp(prefix=f".{name}.", suffix=".tmp", dir=folder)
        with suppress(OSError):  # a file system without locks: nothing is deleted there either
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.path.exists(temporary):
            return handle, temporary
        os.close(handle)  # another writer took it for a dead one's before it was locked


def delete_unlocked(path: str) -> None:
    """Delete the file ``path`` unless a process has it locked."""
    with suppress(OSError), open_file(path) as stream:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(stream.fileno()), os.lstat(path)):
            os.unlink(path)


def _too_big(path: str | os.PathLike[str], size: int, limit: int) -> OSError:
    return _refusal(path, errno.EFBIG,
                    f"has {size:,} bytes or more, but at most {limit:,} are read")


def _refusal(path: str | os.PathLike[str], number: int, text: str) -> OSError:
    return OSError(number, text, os.fspath(path))
