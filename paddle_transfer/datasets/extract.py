"""Extraction of tar and zip archives: whole ones, within bounds, nothing outside of the folder."""

import os
import shutil
from pathlib import Path, PurePosixPath
from typing import IO

from paddle_transfer.datasets.entries import Entry, archive_errors, check_entries, open_entries
from paddle_transfer.errors import DataError
from paddle_transfer.progress import ProgressBar


def extract(archive: Path, folder: Path) -> None:
    """Extract a tar (gz) or zip archive into ``folder``: regular files only, none outside of it.

    All entries are checked before the first file is written. Raises DataError: a path out of the
    folder, a link or device, two files of one name, a broken or cut archive, one that unfolds to
    more than ``MAX_RATIO`` times its size, too little space on the disk.
    """
    with archive_errors(archive):
        total = check_entries(archive)
        folder.mkdir(parents=True, exist_ok=True)
        _check_room(archive, folder, total)
        done = 0
        with (open_entries(archive) as entries,
              ProgressBar(f"extracting {archive.name}", unit="bytes") as bar):
            for entry in entries:
                _write(entry, folder / PurePosixPath(entry.name))
                done += entry.size
                bar(done, total)
            bar(total, total)


def take_out(archive: Path, name: str, target: Path) -> None:
    """Write the first file called ``name`` in a zip archive to ``target``. Raises DataError."""
    with archive_errors(archive):
        check_entries(archive)
        with open_entries(archive) as entries:
            for entry in entries:
                if entry.kind == "file" and PurePosixPath(entry.name).name == name:
                    _check_room(archive, target.parent, entry.size)
                    return _write(entry, target)
    raise DataError(f"{archive}: should hold {name}, but does not")


def check_whole(archive: Path) -> None:
    """Read all of a tar (gz) or zip archive. Raises DataError as ``extract`` does."""
    with archive_errors(archive):
        check_entries(archive)
        with open_entries(archive) as entries:
            for entry in entries:
                if (source := entry.open()) is not None and entry.kind == "file":
                    with source:
                        while source.read(1 << 20):
                            pass


def _check_room(archive: Path, folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        raise DataError(f"{archive}: needs {size / 2**30:.1f} GiB in {folder}, "
                        f"but {free / 2**30:.1f} are free")


def _write(entry: Entry, target: Path) -> None:
    if entry.kind == "folder":
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink():  # not ours: writing would follow it out of the folder
        target.unlink()
    source = entry.open()
    assert source is not None, "a regular file has content"
    with source:
        copy_stream(source, target)


def copy_stream(source: IO[bytes], target: Path) -> None:
    """Write ``target`` atomically."""
    temporary = target.with_name(f".{target.name}.part")
    try:
        with open(temporary, "wb") as stream:
            shutil.copyfileobj(source, stream, 1 << 20)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
