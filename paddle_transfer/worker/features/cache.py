"""The folder of features that all processes of a machine share: bounded, and safe for all of them.

An entry is one file in the form of safetensors, named by its key, which follows from the content of
all that the features depend on (see ``key``). It is written aside and renamed, and never changed
afterwards. The least recently used ones are deleted first; who reads one has it open.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from filelock import FileLock

from paddle_transfer.errors import SetupError
from paddle_transfer.files import delete_unlocked, open_file
from paddle_transfer.weights import safetensors
from paddle_transfer.weights.limits import Malformed

#: Bytes that all entries may have together, unless the environment says otherwise.
LIMIT = 2 << 30
LIMIT_VARIABLE = "PADDLE_TRANSFER_FEATURES_LIMIT"
_SUFFIX = ".features"
_UNITS = {"": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}


def default_folder() -> Path:
    """``$PADDLE_TRANSFER_HOME/features``, else in the user's folder of caches."""
    home = os.environ.get("PADDLE_TRANSFER_HOME")
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(home) / "features" if home else Path(cache) / "paddle_transfer" / "features"


def default_limit() -> int:
    """Bytes, as ``$PADDLE_TRANSFER_FEATURES_LIMIT`` says (``500MB``, ``4GB``, 0: keep nothing).

    :raises SetupError: it says something else
    """
    text = os.environ.get(LIMIT_VARIABLE, "")
    found = re.fullmatch(r"\s*(\d{1,12}(?:\.\d{1,6})?)\s*(KB|MB|GB|)\s*", text.upper())
    if not text.strip():
        return LIMIT
    if found is None:
        raise SetupError(f"{LIMIT_VARIABLE}: must be a number of bytes, such as 500MB or 4GB (0: "
                         f"no features are kept); found {text!r}")
    return int(float(found[1]) * _UNITS[found[2]])


class FeatureCache:
    """The entries of one folder. In a folder that cannot be written nothing is kept; that is no
    error.

    :param folder: default: ``default_folder()``
    :param limit: bytes of all entries; default: ``default_limit()``
    """

    def __init__(self, folder: Path | None = None, limit: int | None = None):
        self._folder = folder or default_folder()
        self.limit = default_limit() if limit is None else limit
        self._usable = self.limit > 0
        if self._usable:
            try:
                (self._folder / "locks").mkdir(parents=True, exist_ok=True)
            except OSError:
                self._usable = False

    def read(self, key: str) -> Mapping[str, np.ndarray] | None:
        """The arrays of an entry, as views of its file; None when there is none, or a broken one.
        It counts as used now."""
        path = self._path(key)
        try:
            with open_file(path) as stream:
                mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            arrays = safetensors.parse(mapped)
        except (OSError, ValueError, Malformed):
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return arrays

    @contextlib.contextmanager
    def making(self, key: str) -> Iterator[None]:
        """Held by the one process that computes an entry; the others wait for it."""
        if not self._usable:
            yield
            return
        # a few locks for all keys: nobody holds two at a time, and so none has to be deleted
        with FileLock(self._folder / "locks" / key[:2]):
            yield

    def write(self, key: str, arrays: Mapping[str, np.ndarray]) -> bool:
        """Keep ``arrays`` as the entry ``key``; False when there is no room for it.

        Its place is taken before it is written, so that the files in the folder, unfinished ones
        among them, never have more than the limit.
        """
        if not self._usable:
            return False
        pieces = safetensors.dump(arrays)
        size = sum(len(piece) for piece in pieces)
        try:
            with FileLock(self._folder / "locks" / "all"):
                if not self._make_room(size, besides=self._path(key)):
                    return False
                handle, temporary = self._claim(size)
            with os.fdopen(handle, "r+b") as stream:
                try:
                    stream.writelines(pieces)
                    stream.flush()
                    os.fsync(stream.fileno())
                    os.replace(temporary, self._path(key))  # locked: nobody takes it for a left one
                except BaseException:
                    os.unlink(temporary)
                    raise
        except OSError:  # a full disk, a folder that may not be written
            return False
        return True

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{_SUFFIX}"

    def _claim(self, size: int) -> tuple[int, str]:
        """A locked file of ``size`` bytes without content: (descriptor, path)."""
        handle, temporary = tempfile.mkstemp(suffix=".tmp", dir=self._folder)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            os.ftruncate(handle, size)
        except OSError:
            os.close(handle)
            os.unlink(temporary)
            raise
        return handle, temporary

    def _make_room(self, size: int, *, besides: Path) -> bool:
        """Delete what killed writers left, and entries until ``size`` bytes are free.

        :param besides: an entry that will be replaced; it goes first
        """
        for left in self._folder.glob("*.tmp"):
            delete_unlocked(str(left))
        sizes = {path: status.st_size for path, status in self._files(".tmp")}
        entries = sorted(self._files(_SUFFIX), key=lambda one: (one[0] != besides,
                                                                one[1].st_mtime_ns))
        total = sum(sizes.values()) + sum(status.st_size for _, status in entries)
        if sum(sizes.values()) + size > self.limit:
            return False
        for path, status in entries:
            if total + size <= self.limit:
                break
            path.unlink(missing_ok=True)
            total -= status.st_size
        return True

    def _files(self, suffix: str) -> Iterator[tuple[Path, os.stat_result]]:
        for path in self._folder.glob(f"*{suffix}"):
            with contextlib.suppress(FileNotFoundError):
                yield path, path.stat()
