"""The entries of tar and zip archives, checked before anything of them is written."""

import contextlib
import gzip
import os
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, NamedTuple, cast

from paddle_transfer.errors import INPUT_FAULTS, DataError
from paddle_transfer.files import open_file
from paddle_transfer.weights.static_tar import members as tar_members

#: What an archive may unfold to: so many times its size, and as much as is free on the disk.
#: Archives of images are as big as their content, annotations a tenth of theirs.
MAX_RATIO, SLACK = 100, 64 << 20
MAX_ENTRIES = 1_000_000
#: Bytes of a header that are read at once: it can claim any size.
MAX_READ = 16 << 20


class Entry(NamedTuple):
    """One entry of an archive; ``kind`` is file, folder, link or device, ``size`` in bytes."""

    name: str
    size: int
    kind: str
    open: Callable[[], IO[bytes] | None]


def check_entries(archive: Path) -> int:
    """The bytes that ``archive`` unfolds to. Raises DataError, and what ``archive_errors`` turns
    into one."""
    total, allowed = 0, MAX_RATIO * archive.stat().st_size + SLACK
    names: set[str] = set()
    folds = _folds_case(archive.parent)
    with open_entries(archive) as entries:
        for count, entry in enumerate(entries):
            _check_name(archive, entry)
            name = os.path.normpath(entry.name)
            if entry.kind == "file":
                key = name.casefold() if folds else name
                if key in names:
                    raise DataError(f"{archive}: refused, its entry {entry.name!r} stands there "
                                    "twice")
                names.add(key)
            total += entry.size + tarfile.BLOCKSIZE
            if total > allowed or count >= MAX_ENTRIES:
                raise DataError(
                    f"{archive}: refused, it unfolds to more than {MAX_RATIO} times its size, or "
                    f"to more than {MAX_ENTRIES:,} files")
    return total


@contextlib.contextmanager
def archive_errors(archive: Path) -> Iterator[None]:
    """Turns what broken archives and full disks raise into DataError."""
    try:
        yield
    except RecursionError:
        raise DataError(f"{archive}: cannot be extracted (its headers are nested)") from None
    except (tarfile.TarError, zipfile.BadZipFile, RuntimeError, struct.error,
            *INPUT_FAULTS) as error:
        # an OSError of gzip has no number; one with a number is of the disk, not of the archive
        hint = ". Fetch it again" if getattr(error, "errno", None) is None else ""
        why = getattr(error, "strerror", None) or error or type(error).__name__
        raise DataError(f"{archive}: cannot be extracted ({why}){hint}") from None


def _check_name(archive: Path, entry: Entry) -> None:
    name, parts = entry.name, PurePosixPath(entry.name.replace("\\", "/")).parts
    if not parts and entry.kind == "folder":
        return
    if (not parts or name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]
            or "\0" in name):
        raise DataError(f"{archive}: refused, its entry {name!r} leads out of the folder")
    if entry.kind not in ("file", "folder"):
        raise DataError(f"{archive}: refused, its entry {name!r} is a {entry.kind}; "
                        "only files and folders are extracted")


def _folds_case(folder: Path) -> bool:
    """Whether two names that differ in case only are one file there."""
    with tempfile.NamedTemporaryFile(prefix=".case-", dir=folder) as file:
        return os.path.exists(file.name.swapcase())


@contextlib.contextmanager
def open_entries(archive: Path) -> Iterator[Iterator[Entry]]:
    """The entries of an archive, to be opened one after the other."""
    with open_file(archive) as stream:
        head = stream.read(4)
        stream.seek(0)
        if head[:2] == b"PK":
            yield _zip_members(stream, archive)
        elif head[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=stream) as unpacked:
                yield _tar_members(unpacked)
        else:
            yield _tar_members(stream)


class _BoundedReads:
    """A stream for tarfile, which reads the whole of a header at once, however long it claims to
    be."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile):
        self._stream, self.seek, self.tell = stream, stream.seek, stream.tell

    def read(self, size: int) -> bytes:
        if not 0 <= size <= MAX_READ:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        return self._stream.read(size)


def _tar_members(stream: BinaryIO | gzip.GzipFile) -> Iterator[Entry]:
    with tarfile.open(fileobj=cast(BinaryIO, _BoundedReads(stream)), mode="r:") as bundle:
        for item in tar_members(bundle):
            kind = ("file" if item.isreg() else "folder" if item.isdir()
                    else "link" if item.issym() or item.islnk() else "device")
            yield Entry(item.name, item.size, kind, partial(bundle.extractfile, item))


def _zip_members(stream: BinaryIO, archive: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(stream) as bundle:
        items = bundle.infolist()
        if sum(item.compress_size for item in items) > archive.stat().st_size:
            raise zipfile.BadZipFile("its entries overlap")
        for item in items:
            if item.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise zipfile.BadZipFile(f"{item.filename!r} is packed by another method than "
                                         "deflate")
            link = (item.external_attr >> 16) & 0o170000 == 0o120000
            kind = "folder" if item.is_dir() else "link" if link else "file"
            yield Entry(item.filename, item.file_size, kind, partial(bundle.open, item))
