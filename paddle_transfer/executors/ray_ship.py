"""Files and folders that nodes of a Ray cluster lack: copied there once, through its object store.

``pack`` runs beside the driver, ``unpack`` on a node. Neither imports Ray: they are handed its
``put`` and ``get``.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Bytes of one object. A node holds two of them at once while it unpacks.
PART = 64 * 2**20


@dataclass(frozen=True)
class Shipment:
    """
    :param path: absolute, the same on the node
    :param digest: of the names, sizes and times of change of its files
    :param parts: Ray's references to the pieces of one tar
    """

    path: str
    digest: str
    parts: Sequence[Any]


def pack(paths: Sequence[str], put: Callable[[bytes], Any]) -> list[Shipment]:
    """Put ``paths`` into the object store; what links point at goes along in their place.

    :param put: ``ray.put``
    Raises OSError.
    """
    shipments = []
    for path in dict.fromkeys(map(os.path.abspath, paths)):
        writer = _Parts(put)
        with tarfile.open(fileobj=writer, mode="w|", dereference=True, bufsize=2**20) as archive:
            archive.add(path, arcname="shipped")
        writer.close()
        shipments.append(Shipment(path, _digest(Path(path)), writer.parts))
    return shipments


def unpack(shipment: Shipment, get: Callable[[Any], bytes]) -> None:
    """Write what was shipped to its path, unless this node has it: a file system that it shares, a
    copy of its own, or the same shipment of an earlier search. Replaces another shipment.

    :param get: ``ray.get``
    Raises OSError.
    """
    path = Path(shipment.path)
    mark = path.with_name(f".{path.name}.shipped")
    if path.exists() and not mark.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(mark, "a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # the actors of one node come at once
        file.seek(0)
        if path.exists() and file.read() == shipment.digest:
            return
        _extract(shipment, get, path)
        file.truncate(0)
        file.write(shipment.digest)


def _extract(shipment: Shipment, get: Callable[[Any], bytes], path: Path) -> None:
    """Beside ``path`` first: whoever dies in between leaves nothing that looks whole."""
    new = path.with_name(f".{path.name}.shipping")
    _remove(new)
    stream = io.BufferedReader(_Joined(get(part) for part in shipment.parts))
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(new)
    _remove(path)
    os.replace(new / "shipped", path)
    new.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    told = hashlib.sha256()
    for file in files:
        status = file.stat()
        if not file.is_dir():
            told.update(f"{file.relative_to(path)}\0{status.st_size}\0{status.st_mtime_ns}\0"
                        .encode(errors="surrogateescape"))
    return told.hexdigest()


class _Parts(io.RawIOBase):
    """A stream that puts away each ``PART`` that was written to it."""

    def __init__(self, put: Callable[[bytes], Any]):
        self._put, self._buffer = put, bytearray()
        self.parts: list[Any] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._buffer += data
        while len(self._buffer) >= PART:
            self.parts.append(self._put(bytes(self._buffer[:PART])))
            del self._buffer[:PART]
        return len(data)

    def close(self) -> None:
        if not self.closed and self._buffer:
            self.parts.append(self._put(bytes(self._buffer)))
            self._buffer.clear()
        super().close()


class _Joined(io.RawIOBase):
    """One stream of all ``parts``, each of which is had when its turn comes."""

    def __init__(self, parts: Iterator[bytes]):
        self._parts, self._left = parts, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            self._left = memoryview(next(self._parts, b""))
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count
