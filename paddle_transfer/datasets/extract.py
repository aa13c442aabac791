"""Extraction of tar and zip archives: nothing is written outside of the folder."""

import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from paddle_transfer.errors import DataError


class _Member(NamedTuple):
    """One entry of an archive; ``kind`` is file, folder, link or device, ``size`` in bytes."""

    name: str
    size: int
    kind: str
    open: Callable[[], IO[bytes] | None]


def extract(archive: Path, folder: Path) -> None:
    """Extract a tar (gz) or zip archive into ``folder``: regular files only, none outside of it.

    All entries are checked before the first file is written. Raises DataError: a path out of the
    folder, a link or device, a broken archive, too little space on the disk.
    """
    members = _zip_members if zipfile.is_zipfile(archive) else _tar_members
    try:
        total = 0
        for member in members(archive):
            _check_member(archive, member)
            total += member.size
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        if total > free:
            raise DataError(f"{archive}: needs {total / 2**30:.1f} GiB in {folder}, "
                            f"but {free / 2**30:.1f} are free")
        for member in members(archive):
            _write(member, folder / PurePosixPath(member.name))
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError,
            NotImplementedError) as error:
        # an OSError of gzip has no number; one with a number is of the disk, not of the archive
        hint = ". Fetch it again" if getattr(error, "errno", None) is None else ""
        raise DataError(f"{archive}: cannot be extracted ({error}){hint}") from None


def _check_member(archive: Path, member: _Member) -> None:
    name, parts = member.name, PurePosixPath(member.name.replace("\\", "/")).parts
    if not parts and member.kind == "folder":
        return
    if (not parts or name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]
            or "\0" in name):
        raise DataError(f"{archive}: refused, its entry {name!r} leads out of the folder")
    if member.kind not in ("file", "folder"):
        raise DataError(f"{archive}: refused, its entry {name!r} is a {member.kind}; "
                        "only files and folders are extracted")


def _write(member: _Member, target: Path) -> None:
    if member.kind == "folder":
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink():  # not ours: writing would follow it out of the folder
        target.unlink()
    source = member.open()
    assert source is not None, "a regular file has content"
    with source:
        copy_stream(source, target)


def _tar_members(archive: Path) -> Iterator[_Member]:
    with tarfile.open(archive) as bundle:
        for item in bundle:
            kind = ("file" if item.isreg() else "folder" if item.isdir()
                    else "link" if item.issym() or item.islnk() else "device")
            yield _Member(item.name, item.size, kind, partial(bundle.extractfile, item))


def _zip_members(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as bundle:
        for item in bundle.infolist():
            link = (item.external_attr >> 16) & 0o170000 == 0o120000
            kind = "folder" if item.is_dir() else "link" if link else "file"
            yield _Member(item.filename, item.file_size, kind, partial(bundle.open, item))


def copy_stream(source: IO[bytes], target: Path) -> None:
    """Write ``target`` atomically."""
    temporary = target.with_name(f".{target.name}.part")
    with open(temporary, "wb") as stream:
        shutil.copyfileobj(source, stream, 1 << 20)
    os.replace(temporary, target)
