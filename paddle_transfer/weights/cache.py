"""Where weights are kept, and what is remembered of each file.

The folder is PaddleClas's own, so what either fetched serves both. Beside every file stands ``<file>.json`` with its
size and SHA-256 as first seen. None are published, so this is what can be held: a file that changes later, on
disk or at its address, is noticed.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from paddle_transfer.weights.errors import FetchError
from paddle_transfer.weights.write import write_atomically


def weights_home() -> Path:
    """``$PADDLE_TRANSFER_HOME/weights``, else ``~/.paddleclas/weights``."""
    home = os.environ.get("PADDLE_TRANSFER_HOME")
    return Path(home).expanduser() / "weights" if home else Path(
        "~/.paddleclas/weights").expanduser()


@dataclass(frozen=True)
class Record:
    """What a file was when it was first seen: ``size`` in bytes, ``sha256`` in hex, ``url`` empty when unknown."""

    size: int
    sha256: str
    url: str = ""
    first_seen: str = ""


def record_path(file: Path) -> Path:
    return file.with_name(file.name + ".json")


def recorded(file: Path) -> Record | None:
    """What is recorded of ``file``; None when nothing is (or its record is unreadable: then it is seen anew)."""
    try:
        entry = json.loads(record_path(file).read_text(encoding="utf-8"))
        return Record(int(entry["size"]), str(entry["sha256"]), str(entry.get("url", "")),
                      str(entry.get("first_seen", "")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise FetchError(
            f"{record_path(file)}: is not readable, so it is not known what {file.name} should be. "
            "Delete it to take the file as it is now") from None


def keep_record(file: Path, record: Record) -> None:
    text = json.dumps(asdict(record), indent=1) + "\n"
    write_atomically(record_path(file), [text.encode()])


def measure(file: Path, url: str = "") -> Record:
    """Size and SHA-256 of ``file`` as it is now. Raises OSError."""
    digest, size = hashlib.sha256(), 0
    with open(file, "rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
            size += len(chunk)
    return Record(size, digest.hexdigest(), url, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))


def hold(file: Path) -> Record:
    """Record ``file`` at first sight; later hold it to that.

    :raises FetchError: it is not what was recorded; says both and how to accept the new one
    """
    known, found = recorded(file), measure(file)
    if known is None:
        keep_record(file, found)
        return found
    if (known.size, known.sha256) != (found.size, found.sha256):
        raise FetchError(
            f"{file}: has changed: recorded on {known.first_seen or 'an earlier day'} with {known.size:,} bytes, "
            f"SHA-256 {known.sha256}; found {found.size:,} bytes, SHA-256 {found.sha256}. If the new one is right, "
            f"delete {record_path(file).name} beside it; else delete the file and fetch it again")
    return known
