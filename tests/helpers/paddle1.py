"""Files of Paddle 1.x: a tar with one file per variable."""

from __future__ import annotations

import io
import struct
import tarfile

import numpy as np


def variable(array: np.ndarray) -> bytes:
    """The file of one variable (float32, sizes below 128)."""
    description = b"\x08\x05" + b"".join(b"\x10" + bytes([size]) for size in array.shape)
    return struct.pack("<IQIi", 0, 0, 0, len(description)) + description + array.tobytes()


def tar_of(files: dict[str, bytes | tarfile.TarInfo]) -> bytes:
    """A tar of files by name; a TarInfo stands for an entry without content."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
                continue
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def link(name: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, "/etc/passwd"
    return entry
