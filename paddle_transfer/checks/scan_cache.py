"""Results of earlier inspections of images: one SQLite file per image root.

An image is identified by its path below the root and its stamp (``images.FileStamp``).
"""

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from paddle_transfer.checks.images import FileStamp, ImageInfo

VERSION = 2  # of the meaning of an ImageInfo, and of a FileStamp


def default_folder() -> Path:
    home = os.environ.get("PADDLE_TRANSFER_HOME")
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(home) / "checks" if home else Path(cache) / "paddle_transfer" / "checks"


class ScanCache:
    """Call ``load()`` once and ``store(...)`` any number of times.

    In a folder that cannot be written nothing is stored; that is no error.
    """

    def __init__(self, root: str, folder: Path | None = None):
        folder = folder or default_folder()
        name = hashlib.sha1(os.path.realpath(root).encode()).hexdigest()[:16]
        self.database: sqlite3.Connection | None = None
        with contextlib.suppress(OSError, sqlite3.Error):
            folder.mkdir(parents=True, exist_ok=True)
            self.database = _open(folder / f"{name}.sqlite")

    def load(self) -> dict[str, tuple[FileStamp, ImageInfo]]:
        if self.database is None:
            return {}
        try:
            return {row[0]: (row[1:5], ImageInfo._make(row[5:]))
                    for row in self.database.execute("select * from looks")}
        except sqlite3.Error:
            self.database = None
            return {}

    def digests(self) -> dict[str, tuple[FileStamp, bytes]]:
        """What is known of the content of files, whether they were decoded or not."""
        if self.database is None:
            return {}
        try:
            return {row[0]: (row[1:5], row[5]) for table in ("hashes", "looks")
                    for row in self.database.execute(
                        "select path, size, mtime, ctime, inode, sha from "
                        f"{table} where length(sha) > 0")}
        except sqlite3.Error:
            self.database = None
            return {}

    def store(self, rows: Iterable[tuple[str, FileStamp, ImageInfo]]) -> None:
        self._insert("looks", [(path, *stamp, *info) for path, stamp, info in rows])

    def store_digests(self, rows: Iterable[tuple[str, FileStamp, bytes]]) -> None:
        """Keep the digests of files of which nothing, or something outdated, is known."""
        rows = list(rows)
        self._insert("hashes", [(path, *stamp, digest) for path, stamp, digest in rows])
        self._run("delete from looks where path = ?", [(path,) for path, *_ in rows])

    def _insert(self, table: str, rows: Sequence[tuple[object, ...]]) -> None:
        places = ",".join("?" * len(rows[0])) if rows else ""
        self._run(f"insert or replace into {table} values ({places})", rows)

    def _run(self, command: str, rows: Sequence[tuple[object, ...]]) -> None:
        if self.database is None or not rows:
            return
        try:
            self.database.executemany(command, rows)
            self.database.commit()
        except sqlite3.Error:
            self.database = None

    def close(self) -> None:
        if self.database is not None:
            self.database.close()


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=10)
    try:
        version = database.execute("pragma user_version").fetchone()[0]
    except sqlite3.DatabaseError:  # not a database, or a broken one
        database.close()
        path.unlink()
        database, version = sqlite3.connect(path, timeout=10), 0
    database.execute("pragma synchronous = off")  # what is lost is found again
    if version != VERSION:
        database.execute("drop table if exists looks")
        database.execute("drop table if exists hashes")
    stamp = "path text primary key, size integer, mtime integer, ctime integer, inode integer"
    database.execute(
        f"create table if not exists looks ({stamp}, fault text, kind text, sha blob, "
        "width integer, height integer, thumb blob)")
    database.execute(f"create table if not exists hashes ({stamp}, sha blob)")
    database.execute(f"pragma user_version = {VERSION}")
    database.commit()
    return database
