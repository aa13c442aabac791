"""The folder of weights, and a record of every file in it.

The folder is PaddleClas's own, so what either fetched serves both. Beside every file stands
``<file>.json`` with its size and SHA-256 as first seen. The authors publish no checksums, so only a
change can be noticed: of the file on disk, or of what its address sends.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from paddle_transfer.config.load import write_atomic
from paddle_transfer.files import open_file, read_bytes
from paddle_transfer.weights.errors import FetchError

MAX_RECORD = 1 << 16


def cache_folder() -> Path:
    """``$PADDLE_TRANSFER_HOME/weights``, else ``~/.paddleclas/weights``."""
    home = os.environ.get("PADDLE_TRANSFER_HOME")
    return (Path(home) / "weights" if home else Path("~/.paddleclas/weights")).expanduser()


@dataclass(frozen=True)
class FileRecord:
    """What a file was when it was first seen. Records are equal when the content is.

    :param size: in bytes
    :param sha256: in hex
    :param url: where it came from; empty when unknown
    :param first_seen: the time, UTC
    """

    size: int
    sha256: str
    url: str = field(default="", compare=False)
    first_seen: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.size:,} bytes, SHA-256 {self.sha256}"


def record_path(file: Path) -> Path:
    return file.with_name(file.name + ".json")


def read_record(file: Path) -> FileRecord | None:
    """The record of ``file``; None when there is none. Raises FetchError when it is unreadable."""
    try:
        entry = json.loads(read_bytes(record_path(file), MAX_RECORD))
        return FileRecord(int(entry["size"]), str(entry["sha256"]), str(entry.get("url", "")),
                          str(entry.get("first_seen") or "an earlier day"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise FetchError(
            f"{record_path(file)}: is not readable, so it is not known what {file.name} should be. "
            "Delete it to take the file as it is now") from None


def write_record(file: Path, record: FileRecord) -> None:
    write_atomic(str(record_path(file)), json.dumps(asdict(record), indent=1) + "\n")


def make_record(file: Path, url: str = "") -> FileRecord:
    """The record of ``file`` as it is now. Raises OSError."""
    digest, size = hashlib.sha256(), 0
    with open_file(file) as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
            size += len(chunk)
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return FileRecord(size, digest.hexdigest(), url, now)


def verify_checksum(file: Path) -> None:
    """Compare ``file`` with its record; write one when there is none.

    :raises FetchError: it has changed; says both contents and how to accept the new one
    """
    known = read_record(file)
    try:
        found = make_record(file)
    except OSError as error:
        raise FetchError(f"{file}: {error.strerror}") from None
    if known is None:
        write_record(file, found)
    elif known != found:
        raise FetchError(
            f"{file}: has changed: recorded on {known.first_seen} with {known}; found {found}. If "
            f"the new one is right, delete {record_path(file).name} beside it; else delete the "
            "file and fetch it again")
