"""Paddle 1.x parameters: a tar with one file per variable (fluid.io.save_params), as PaddleClas 1.x
gave them out.

Each file: u32 version, u64 number of LoD levels (none here), u32 version, i32 length, a protobuf
TensorDesc (field 1: data type, field 2: dims), the raw numbers. Source:
paddle/fluid/framework/lod_tensor.cc.
"""

from __future__ import annotations

import io
import mmap
import posixpath
import struct
import tarfile
from collections.abc import Iterator

import numpy as np

from paddle_transfer.weights.file_bytes import FileBytes
from paddle_transfer.weights.limits import Malformed, array_view, is_shape

_TYPES = {0: "?", 1: "<i2", 2: "<i4", 3: "<i8", 4: "<f2", 5: "<f4", 6: "<f8", 20: "u1", 21: "i1"}
MAX_MEMBERS = 20_000


def parse(data: FileBytes) -> dict[str, np.ndarray]:
    """The tensors of an uncompressed tar, by file name; nothing is extracted.

    :raises Malformed: the tar is not whole, has something else than files of tensors (a link, say),
        or two tensors of one name
    """
    tensors: dict[str, np.ndarray] = {}
    file = data if isinstance(data, mmap.mmap) else io.BytesIO(data)  # neither is a copy
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            for count, member in enumerate(members(tar)):
                if count >= MAX_MEMBERS:
                    raise Malformed(f"more than {MAX_MEMBERS:,} files in it")
                name = posixpath.basename(member.name)
                if member.isdir() or name.startswith("."):
                    continue
                if not member.isreg() or member.issparse():
                    raise Malformed(f"{name!r} is a link, a device or has holes")
                if name in tensors:
                    raise Malformed(f"{name!r} stands there twice")
                start = member.offset_data
                tensors[name] = _tensor(memoryview(data)[start:start + member.size], name)
    except Malformed:
        raise
    except (tarfile.TarError, struct.error, IndexError, ValueError, OverflowError,
            OSError) as error:
        raise Malformed(f"{error}"[:200]) from None
    return tensors


def members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The entries of ``tar``, which keeps none of them.

    tarfile takes a damaged header for the end, and goes back for ever at a negative size.

    :raises tarfile.TarError: an entry is damaged or cut short, or the entries are not followed by
        what ends a tar: a block of 512 zeros or more of them, and nothing else
    """
    while (member := tar.next()) is not None:
        if member.size < 0:
            raise tarfile.ReadError(f"{member.name!r} has a negative size")
        yield member
        tar.members = []  # type: ignore[attr-defined]
    file, ends = tar.fileobj, False
    assert file is not None, "it is open"
    file.seek(tar.offset)
    while block := file.read(tarfile.RECORDSIZE):
        if len(block) % tarfile.BLOCKSIZE:
            raise tarfile.ReadError("it is cut short")
        if block.strip(b"\0"):
            raise tarfile.ReadError("an entry is damaged, or something follows the last one")
        ends = True
    if not ends:
        raise tarfile.ReadError("it is cut short: there is no end of the archive")


def _tensor(view: memoryview, name: str) -> np.ndarray:
    version, levels, again, length = struct.unpack_from("<IQIi", bytes(view[:20]).ljust(20))
    if version or again or levels or not 0 < length <= 1024:
        raise Malformed(f"{name!r} is no tensor of Paddle 1.x")
    code, shape = _description(bytes(view[20:20 + length]))
    if code not in _TYPES or not is_shape(shape):
        raise Malformed(f"{name!r} has a strange type or shape")
    return array_view(f"{name!r}: ", view[20 + length:], np.dtype(_TYPES[code]), shape)


def _description(text: bytes) -> tuple[int, list[int]]:
    """(data type, dims) of a TensorDesc."""
    code, at = -1, 0
    shape: list[int] = []
    while at < len(text):
        tag, at = _varint(text, at)
        value, at = _varint(text, at)
        if tag == 0x08:
            code = value
        elif tag == 0x10:
            shape.append(value)
        elif tag == 0x12:  # packed dims
            end = min(at + value, len(text))
            while at < end:
                value, at = _varint(text, at)
                shape.append(value)
        else:
            raise Malformed("a strange tensor description")
    return code, shape


def _varint(text: bytes, at: int) -> tuple[int, int]:
    value = 0
    for i in range(10):
        byte = text[at + i]
        value |= (byte & 0x7F) << (7 * i)
        if not byte & 0x80:
            return value, at + i + 1
    raise Malformed("a number without an end")
