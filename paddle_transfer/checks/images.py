"""Inspection of images as PaddleClas decodes them (cv2), in parallel by processes.

cv2 decodes a truncated file to a half-grey picture without an error. So the end of the file is
checked as well, and Pillow, which is strict, decides and names the reason.
"""

import hashlib
import io
import itertools
import os
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from paddle_transfer.checks.process_pool import run_jobs
from paddle_transfer.files import read_bytes

T = TypeVar("T")

#: A larger file, or a picture of more pixels (3 bytes each), is not looked at.
BYTES, PIXELS = 2**28, 2**27
SIDE = 16  # a thumbnail has SIDE x SIDE grey bytes
_CHUNK = 100

#: Suffixes that an image of each kind may have.
SUFFIXES = {
    "jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"), "png": (".png",), "gif": (".gif",),
    "bmp": (".bmp", ".dib"), "webp": (".webp",), "tiff": (".tif", ".tiff"),
}
_FIRST_BYTES = {
    "jpeg": (b"\xff\xd8\xff",), "png": (b"\x89PNG\r\n\x1a\n",), "gif": (b"GIF87a", b"GIF89a"),
    "bmp": (b"BM",), "tiff": (b"II*\0", b"MM\0*"),
}
_OF_PHONES = (b"heic", b"heix", b"mif1", b"msf1", b"avif")
IMAGE_SUFFIXES = frozenset(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)


class ImageInfo(NamedTuple):
    """Content of one image. ``fault`` is empty for a good one, ``kind`` follows from the first
    bytes, ``digest`` is of the file, ``thumbnail`` is empty if the image was not decoded."""

    fault: str
    kind: str
    digest: bytes
    width: int
    height: int
    thumbnail: bytes


#: Size, mtime, ctime (ns) and inode of a file. A file with the same stamp has the same content:
#: ctime also changes when a file is copied back with its old mtime, and the inode when folders with
#: the same names of files are swapped.
FileStamp = tuple[int, int, int, int]
#: ns between two different ctimes: of a clock that ticks 100 times a second, and of a file system
#: that keeps whole seconds (FAT: every second one).
_TICK, _COARSE_TICK = 12_000_000, 2_000_000_000
Inspected = tuple[str, FileStamp | None, ImageInfo]
_AS_INFO = partial(tuple.__new__, ImageInfo)  # several times as fast as ImageInfo._make
_KILLS_PROCESS = ImageInfo("decoding it kills the process", "", b"", 0, 0, b"")


def image_kind(data: bytes) -> str:
    """One of ``SUFFIXES`` or "", by the first bytes."""
    if data[:4] == b"RIFF":
        return "webp" if data[8:12] == b"WEBP" else ""
    return next((kind for kind, first in _FIRST_BYTES.items() if data.startswith(first)), "")


def inspect_image(path: str) -> ImageInfo:
    """Read, hash and decode one image; never raises."""
    try:
        data = read_bytes(path, BYTES)
    except OSError as error:
        return ImageInfo(f"cannot be read: {error.strerror}", "", b"", 0, 0, b"")
    kind, digest = image_kind(data), hashlib.sha256(data).digest()[:16]
    fault = _size_fault(data) if data else "is empty (0 bytes)"
    if fault:
        return ImageInfo(fault, kind, digest, 0, 0, b"")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except (cv2.error, MemoryError):
        image = None
    if image is None:
        cut = "is truncated; " if kind in ("jpeg", "png") and not _is_complete(data, kind) else ""
        fault = f"{cut}cv2, and so PaddleClas, cannot decode it: {_reason(data)}"
        return ImageInfo(fault, kind, digest, 0, 0, b"")
    height, width = image.shape[:2]
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    thumbnail = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).tobytes()
    error_text = "" if _is_complete(data, kind) else _pillow_error(data)
    fault = f"is truncated or broken: {error_text}" if error_text else ""
    return ImageInfo(fault, kind, digest, width, height, thumbnail)


def _size_fault(data: bytes) -> str:
    """Why an image is not decoded at all: its picture would fill the memory."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data)) as image:  # reads the head only
                width, height = image.size
        except Image.DecompressionBombError as error:
            return f"is not decoded: {error}"
        except Exception:  # Pillow's readers raise exceptions of any type; cv2 may know better
            return ""
    return "" if width * height <= PIXELS else (
        f"is not decoded: it has {width} x {height} px, and at most {PIXELS:,} are looked at")


def _is_complete(data: bytes, kind: str) -> bool:
    """Whether the file ends as its format demands; False if there is no cheap way to know."""
    if kind == "jpeg":
        return data.rstrip(b"\0\r\n ")[-2:] == b"\xff\xd9"
    return kind == "png" and data.rstrip(b"\0\r\n ")[-8:-4] == b"IEND"


def _pillow_error(data: bytes) -> str:
    """Pillow's message about a broken image; empty for a good one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about metadata
        try:
            with Image.open(io.BytesIO(data)) as image:
                image.load()
        except UnidentifiedImageError:
            return "it is no image"
        except Exception as error:  # Pillow's decoders raise exceptions of any type
            return str(error) or type(error).__name__
    return ""


def _reason(data: bytes) -> str:
    """Why an image was not decoded."""
    head = data[:200].lstrip().lower()
    if head.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "it is a web page"
    if head.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer"
    error = _pillow_error(data)
    if error and data[4:8] == b"ftyp" and data[8:12] in _OF_PHONES:
        return "it is a HEIC or AVIF picture; convert it to JPEG"
    return error or "only Pillow can"


def file_stamp(path: str) -> FileStamp | None:
    """The stamp of a file; None if it does not exist."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # a NUL in the name
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def settled_stamp(path: str) -> FileStamp | None:
    """The stamp under which what is read of a file next may be kept; None if it does not exist.

    A change within one tick of the file system's clock would leave the same stamp. A file that is
    younger than that is waited for, some milliseconds; where a tick takes seconds, the stamp is one
    that no file has.
    """
    for _ in range(2):
        now, stamp = time.time_ns(), file_stamp(path)
        if stamp is None:
            return None
        size, modified, changed, inode = stamp
        tick = _COARSE_TICK if changed % 1_000_000_000 == 0 else _TICK
        age = now - changed
        if not 0 <= age < tick:
            return stamp
        time.sleep(min(tick - age, _TICK) / 1e9)
    return size, modified, -1, inode


def _start_process() -> None:
    cv2.setNumThreads(1)
    # C decoders print about broken files, which are findings of their own.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)


def _inspect_chunk(paths: Sequence[str]) -> list[tuple[FileStamp | None, tuple[object, ...]]]:
    # plain tuples travel faster between processes
    return [(settled_stamp(path), tuple(inspect_image(path))) for path in paths]


def inspect_images(paths: Iterable[str], *,
                   processes: int | None = None) -> Iterator[list[Inspected]]:
    """Batches of (path, stamp, ImageInfo) in no order; the stamp is None for a missing file.

    An image whose decoding kills a process gets a fault.

    :param paths: iterated once, while the first images are being decoded
    :param processes: None: one per core
    """
    if processes is None:
        affinity = getattr(os, "sched_getaffinity", None)
        processes = len(affinity(0)) if affinity else os.cpu_count() or 1
    chunks = batched(paths, _CHUNK)
    first, second = next(chunks, None), next(chunks, None)
    chunks = itertools.chain((chunk for chunk in (first, second) if chunk), chunks)
    if processes < 2 or second is None:  # starting a process would take longer
        for chunk in chunks:
            yield _as_inspected(chunk, _inspect_chunk(chunk))
        return
    suspects: list[str] = []
    for chunk, answer in run_jobs(chunks, _inspect_chunk, processes=processes,
                                  prepare=_start_process):
        if answer is None:
            suspects += chunk
        else:
            yield _as_inspected(chunk, answer)
    for chunk, answer in run_jobs(([path] for path in suspects), _inspect_chunk,
                                  processes=processes, prepare=_start_process):
        yield _as_inspected(chunk, answer or [(file_stamp(chunk[0]), _KILLS_PROCESS)])


def _as_inspected(paths: Sequence[str],
                  rows: Sequence[tuple[FileStamp | None, tuple[object, ...]]]) -> list[Inspected]:
    return [(path, stamp, _AS_INFO(info)) for path, (stamp, info) in zip(paths, rows, strict=True)]


def batched(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of up to ``size`` items."""
    rows = iter(rows)
    while batch := list(itertools.islice(rows, size)):
        yield batch
