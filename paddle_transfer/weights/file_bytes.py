"""A whole file in memory, quickly.

Not mapped: a file that another process shortens while it is mapped kills the reader (SIGBUS). Not
``read_bytes``: touching 100 MB of fresh memory in pages of 4 KiB takes longer than parsing it, so
large pages are asked for.
"""

from __future__ import annotations

import contextlib
import mmap
import os
from typing import BinaryIO

FileBytes = bytes | mmap.mmap
SMALL = 4 << 20


def read_file(file: BinaryIO) -> FileBytes:
    """All bytes of the open ``file`` at one moment. Raises OSError."""
    file.seek(0)
    size = os.fstat(file.fileno()).st_size
    if size < SMALL:
        return file.read(SMALL)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with contextlib.suppress(AttributeError, OSError, ValueError):  # a system without them
        memory.madvise(mmap.MADV_HUGEPAGE)
    at, view = 0, memoryview(memory)
    while at < size:
        count = file.readinto(view[at:at + (1 << 30)])  # type: ignore[attr-defined]
        if not count:
            return bytes(view[:at])  # it was shortened meanwhile
        at += count
    return memory
