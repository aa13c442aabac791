"""Verdicts of images that were looked at before, in one SQLite file per image root.

An image is known by its path below the root and its stamp (``images.Stamp``).
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from paddle_transfer.checks.images import Look, Stamp

VERSION = 1  # counts up when a Look means something else


def default_folder() -> Path:
    home = os.environ.get("PADDLE_TRANSFER_HOME")
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(home) / "checks" if home else Path(cache) / "paddle_transfer" / "checks"


class ScanCache:
    """``known()`` once, ``keep(...)`` as often as there is something. A folder that cannot be written to means
    that nothing is kept, never an error."""

    def __init__(self, root: str, folder: Path | None = None):
        folder = folder or default_folder()
        name = hashlib.sha1(os.path.realpath(root).encode()).hexdigest()[:16]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._open(folder / f"{name}.sqlite")
        except (OSError, sqlite3.Error):
            self.base = None

    def _open(self, path: Path) -> None:
        self.base: sqlite3.Connection | None = sqlite3.connect(path, timeout=10)
        try:
            version = self.base.execute("pragma user_version").fetchone()[0]
        except sqlite3.DatabaseError:  # not a database, or torn: its content can be found again
            self.base.close()
            path.unlink()
            self.base, version = sqlite3.connect(path, timeout=10), 0
        # A lost verdict is found again, so nobody waits for the disk.
        self.base.execute("pragma synchronous = off")
        if version != VERSION:
            self.base.execute("drop table if exists looks")
        self.base.execute(
            "create table if not exists looks (path text primary key, size integer, mtime integer, "
            "ctime integer, fault text, kind text, sha blob, width integer, height integer, thumb blob)"
        )
        self.base.execute(f"pragma user_version = {VERSION}")
        self.base.commit()

    def known(self) -> dict[str, tuple[Stamp, Look]]:
        if self.base is None:
            return {}
        try:
            return {
                row[0]: (row[1:4], Look._make(row[4:]))
                for row in self.base.execute("select * from looks")
            }
        except sqlite3.Error:
            self.base = None
            return {}

    def keep(self, rows: Iterable[tuple[str, Stamp, Look]]) -> None:
        if self.base is None:
            return
        try:
            self.base.executemany("insert or replace into looks values (?,?,?,?,?,?,?,?,?,?)",
                                  [(path, *stamped, *found) for path, stamped, found in rows])
            self.base.commit()
        except sqlite3.Error:
            self.base = None

    def close(self) -> None:
        if self.base is not None:
            self.base.close()
