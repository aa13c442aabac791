"""Content hashes of lists and their images, by which a search knows its data again.

Images that have not changed since a check or an earlier hash are not read again (``ScanCache``).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paddle_transfer.checks.images import FileStamp, batched, file_stamp, settled_stamp
from paddle_transfer.checks.scan import Progress, no_progress
from paddle_transfer.checks.scan_cache import ScanCache
from paddle_transfer.files import open_file

#: Bytes of an image's SHA-256 that are kept, as in ``ImageInfo.digest``.
_KEPT = 16
_BLOCK = 1 << 20


@dataclass(frozen=True)
class ListedImages:
    """A list, and the content of its images.

    :param rows: a text for each line: the image's hash in hex, a tab, the line as it is; the hash
        is ``-`` where the line names no file that can be read
    :param token: a hash that is equal for lists whose images and labels are equal, whatever the
        images' paths are
    """

    rows: tuple[str, ...]
    token: str


def fingerprint_list(dataset: Mapping[str, Any], file: str, *, in_order: bool,
                     cache_folder: Path | None = None,
                     progress: Progress = no_progress) -> ListedImages:
    """Read a list and hash its images. Raises OSError when the list cannot be read.

    :param dataset: the section of the config that names ``file``, with ``image_root`` and
        ``delimiter``
    :param in_order: whether another order of the same lines is another list
    """
    with open_file(file) as stream:
        lines = [raw.decode("utf-8", "surrogateescape").strip() for raw in stream]
    root, delimiter = str(dataset.get("image_root") or ""), str(dataset.get("delimiter") or " ")
    parted = [_parted(line, delimiter) for line in lines]
    prefix = os.path.join(root, "") if root else ""
    files = {name: name if name.startswith("/") else prefix + name for name, _ in parted if name}
    digests = hash_images(files, root=root, cache_folder=cache_folder, progress=progress)
    rows, meanings = [], []
    for line, (name, label) in zip(lines, parted, strict=True):
        digest = digests.get(name)
        rows.append(f"{digest or '-'}\t{line}")
        meanings.append(f"{digest}\t{label}" if digest else line)
    return ListedImages(tuple(rows), _hash_of(meanings if in_order else sorted(meanings)))


def _parted(line: str, delimiter: str) -> tuple[str, str]:
    """(path, label) of a line."""
    name, _, label = line.partition(delimiter if delimiter in line else "\t")
    return name, label.strip()


def _hash_of(texts: Iterable[str]) -> str:
    made = hashlib.sha256()
    for text in texts:
        made.update(text.encode("utf-8", "surrogateescape") + b"\n")
    return made.hexdigest()


def hash_images(files: Mapping[str, str], *, root: str, cache_folder: Path | None = None,
                progress: Progress = no_progress) -> dict[str, str]:
    """SHA-256 in hex, cut to 16 bytes, by name; files that cannot be read are left out.

    :param files: name below ``root`` -> path to open
    """
    cache = ScanCache(root, cache_folder)
    known, found, changed = cache.digests(), dict[str, str](), []
    for name, path in files.items():
        entry = known.get(name)
        if entry is not None and entry[0] == file_stamp(path):
            found[name] = entry[1].hex()
        else:
            changed.append(name)
    if changed:
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # hashing and reading release the GIL
            for part in batched(changed, 2000):
                read = pool.map(_hash_file, (files[name] for name in part))
                rows = [(name, *row) for name, row in zip(part, read, strict=True) if row]
                cache.store_digests(rows)
                found.update((name, digest.hex()) for name, _, digest in rows)
                progress(len(found), len(files))
    cache.close()
    return found


def _hash_file(path: str) -> tuple[FileStamp, bytes] | None:
    stamp = settled_stamp(path)
    try:
        return (stamp, bytes.fromhex(hash_file(path))[:_KEPT]) if stamp else None
    except OSError:
        return None


def hash_file(path: str) -> str:
    """SHA-256 of a regular file, in hex. Raises OSError."""
    made = hashlib.sha256()
    with open_file(path) as stream:
        while block := stream.read(_BLOCK):
            made.update(block)
    return made.hexdigest()
