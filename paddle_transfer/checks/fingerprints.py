"""Content hashes of lists and their images, by which a search knows its data again.

Images that have not changed since a check or an earlier hash are not read again (``ScanCache``).
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator, Mapping
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

    :param rows: a line for each of the list: the image's hash in hex, a tab, the line as it is; the
        hash is ``-`` where the line names no file that can be read
    :param token: a hash that is equal for lists whose images and labels are equal, whatever the
        images' paths are
    """

    rows: bytes
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
        data = stream.read()
    root, delimiter = str(dataset.get("image_root") or ""), str(dataset.get("delimiter") or " ")
    prefix = os.path.join(root, "") if root else ""
    files = {name: name if name.startswith("/") else prefix + name
             for name, _, _ in _lines(data, delimiter) if name}
    digests = hash_images(files, root=root, cache_folder=cache_folder, progress=progress)
    rows, meanings = bytearray(), []
    whole = hashlib.sha256()
    for name, label, line in _lines(data, delimiter):
        digest = digests.get(name)
        rows += _encoded(f"{digest or '-'}\t{line}\n")
        meaning = hashlib.sha256(_encoded(f"{digest}\t{label}" if digest else line)).digest()
        if in_order:
            whole.update(meaning)
        else:
            meanings.append(meaning)
    whole.update(b"".join(sorted(meanings)))
    return ListedImages(bytes(rows), whole.hexdigest())


def _lines(data: bytes, delimiter: str) -> Iterator[tuple[str, str, str]]:
    """(path, label, line) of every line."""
    for raw in io.BytesIO(data):
        line = raw.decode("utf-8", "surrogateescape").strip()
        name, _, label = line.partition(delimiter if delimiter in line else "\t")
        yield name, label.strip(), line


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


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
