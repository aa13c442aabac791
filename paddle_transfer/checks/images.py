"""One look at every image, as PaddleClas decodes it (cv2); in parallel by processes.

cv2 hands out a half-grey picture for a truncated file without a word, so the end of the file is looked at too, and
Pillow, which is strict, has the last word and names the reason.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from paddle_transfer.checks.process_pool import spread

SIDE = 16      # a thumbnail is SIDE x SIDE grey bytes
_CHUNK = 100

#: suffixes that an image of each kind may have
SUFFIXES = {
    "jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"), "png": (".png", ), "gif": (".gif", ),
    "bmp": (".bmp", ".dib"), "webp": (".webp", ), "tiff": (".tif", ".tiff")
}
IMAGE_SUFFIXES = frozenset(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)


class Look(NamedTuple):
    """What one image is. ``fault`` is empty for a good one; ``kind`` is what its first bytes say; ``thumb`` is
    empty when it did not decode."""

    fault: str
    kind: str
    sha: bytes
    width: int
    height: int
    thumb: bytes


#: What tells that a file is the same as before: size, mtime and ctime in ns (a file that was copied back with its old
#: time is new, too).
Stamp = tuple[int, int, int]
Seen = tuple[str, Stamp | None, Look]
_AS_LOOK = partial(tuple.__new__, Look)  # several times as fast as Look._make
_KILLER = Look("decoding it kills the process", "", b"", 0, 0, b"")


def kind_of(data: bytes) -> str:
    """jpeg, png, gif, bmp, webp, tiff or '' by the first bytes."""
    if data[:3] == b"\xff\xd8\xff":
        return "jpeg"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    if data[:2] == b"BM":
        return "bmp"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return "tiff" if data[:4] in (b"II*\0", b"MM\0*") else ""


def look(path: str) -> Look:
    """Read, hash and decode one image; never raises."""
    import cv2
    import numpy as np

    try:
        with open(path, "rb") as stream:
            data = stream.read()
    except OSError as error:
        return Look(f"cannot be read: {error.strerror}", "", b"", 0, 0, b"")
    kind, sha = kind_of(data), hashlib.sha256(data).digest()[:16]
    if not data:
        return Look("is empty (0 bytes)", kind, sha, 0, 0, b"")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except (cv2.error, MemoryError):
        image = None
    if image is None:
        cut = "is truncated; " if kind in ("jpeg", "png") and not _complete(data, kind) else ""
        return Look(f"{cut}cv2, and so PaddleClas, cannot decode it: {_reason(data)}", kind, sha, 0,
                    0, b"")
    height, width = image.shape[:2]
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    thumb = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).tobytes()
    fault = "" if _complete(data, kind) else _pillow_fault(data)
    return Look(fault, kind, sha, width, height, thumb)


def _complete(data: bytes, kind: str) -> bool:
    """Whether the file ends as its format wants it; False also when there is no cheap way to know."""
    if kind == "jpeg":
        return data.rstrip(b"\0\r\n ")[-2:] == b"\xff\xd9"
    return kind == "png" and data.rstrip(b"\0\r\n ")[-8:-4] == b"IEND"


def _pillow_fault(data: bytes) -> str:
    error = _pillow_error(data)
    return f"is truncated or broken: {error}" if error else ""


def _pillow_error(data: bytes) -> str:
    """What Pillow says of a broken image; empty for a good one."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about metadata
        try:
            with Image.open(io.BytesIO(data)) as image:
                image.load()
        except Image.UnidentifiedImageError:
            return "it is no image"
        except Exception as error:  # its decoders raise anything
            return str(error) or type(error).__name__
    return ""


def _reason(data: bytes) -> str:
    """Why an image did not decode, in words."""
    head = data[:200].lstrip().lower()
    if head.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "it is a web page"
    if head.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer"
    return _pillow_error(data) or "only Pillow can"


def _start() -> None:
    import cv2

    cv2.setNumThreads(1)
    # The decoders in C print about broken files; we name them ourselves.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)


def _look_all(paths: Sequence[str]) -> list[tuple]:
    return [(stamp_of(path), *look(path))
            for path in paths]  # plain tuples travel faster between processes


def _named(paths: Sequence[str], found: Sequence[tuple]) -> list[Seen]:
    return [(path, row[0], _AS_LOOK(row[1:])) for path, row in zip(paths, found)]


def stamp_of(path: str) -> Stamp | None:
    """None when there is nothing at ``path``."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def look_at(paths: Iterable[str], *, processes: int | None = None) -> Iterator[list[Seen]]:
    """Batches of (path, stamp, Look) for all ``paths``, in no order; the stamp is None for what is not there.
    ``processes`` defaults to the number of cores.

    ``paths`` is gone through once, while the first images are looked at already. An image whose decoding kills a
    process is named, not fatal.
    """
    processes = processes or cores()
    chunks = batched(paths, _CHUNK)
    first, second = next(chunks, None), next(chunks, None)
    chunks = itertools.chain((chunk for chunk in (first, second) if chunk), chunks)
    if processes < 2 or second is None:  # a process of its own would take longer to start
        for chunk in chunks:
            yield _named(chunk, _look_all(chunk))
        return

    suspects: list[str] = []
    for chunk, answer in spread(chunks, _look_all, processes=processes, prepare=_start):
        if answer is None:
            suspects += chunk
        else:
            yield _named(chunk, answer[0])
    for chunk, answer in spread(([path] for path in suspects), _look_all, processes=processes,
                                prepare=_start):
        yield _named(chunk, answer[0] if answer else [(stamp_of(chunk[0]), *_KILLER)])


def batched(rows: Iterable, size: int) -> Iterator[list]:
    """Lists of up to ``size`` items."""
    rows = iter(rows)
    while batch := list(itertools.islice(rows, size)):
        yield batch
