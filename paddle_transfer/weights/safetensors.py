"""The safetensors format (https://huggingface.co/docs/safetensors): 8 bytes header length, JSON header, tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from paddle_transfer.weights.allowed_globals import MAX_DIMENSIONS, Malformed

_TYPES = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4",
    "U64": "<u8", "I64": "<i8", "F16": "<f2", "BF16": "<u2", "F32": "<f4", "F64": "<f8"
}
_NAMES = {
    "|b1": "BOOL", "|u1": "U8", "|i1": "I8", "<u2": "U16", "<i2": "I16", "<u4": "U32", "<i4": "I32",
    "<u8": "U64", "<i8": "I64", "<f2": "F16", "<f4": "F32", "<f8": "F64"
}
MAX_HEADER = 100_000_000


def parse(data: bytes) -> dict[str, np.ndarray]:
    """The tensors of a whole file, as views of ``data``; bfloat16 becomes float32. Raises Malformed."""
    length = int.from_bytes(data[:8], "little")
    if length > min(len(data) - 8, MAX_HEADER):
        raise Malformed(f"its header claims {length:,} bytes")
    try:
        header = json.loads(bytes(data[8:8 + length]), object_pairs_hook=_no_doubles)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"its header is no JSON: {error}"[:200]) from None
    if not isinstance(header, dict):
        raise Malformed("its header is no mapping")
    header.pop("__metadata__", None)
    body = memoryview(data)[8 + length:]
    tensors, spans = {}, []
    for name, entry in header.items():
        start, end, dtype, shape = _entry(name, entry, len(body))
        spans.append((start, end))
        array = np.frombuffer(body[start:end], dtype=dtype).reshape(shape)
        tensors[name] = from_bfloat16(array) if entry["dtype"] == "BF16" else array
    at = 0
    for start, end in sorted(spans):
        if start != at:
            raise Malformed("its tensors overlap or leave holes")
        at = end
    if at != len(body):
        raise Malformed(f"{len(body) - at:,} bytes follow its last tensor")
    return tensors


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name stands there twice")
    return result


def _entry(name: str, entry: Any, size: int) -> tuple[int, int, str, list[int]]:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise Malformed(f"{name!r}: a strange entry")
    dtype = _TYPES.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
    shape, offsets = entry["shape"], entry["data_offsets"]
    whole = all(
        isinstance(part, list) and all(
            type(number) is int and 0 <= number < 2 ** 40
            for number in part)
        for part in (shape, offsets))
    if dtype is None or not whole or len(offsets) != 2 or len(shape) > MAX_DIMENSIONS:
        raise Malformed(f"{name!r}: a strange type, shape or place")
    count = 1
    for number in shape:
        count *= number
    start, end = offsets
    if not start <= end <= size:
        raise Malformed(f"{name!r}: lies at {start:,}..{end:,} of {size:,} bytes")
    if end - start != count * np.dtype(dtype).itemsize:
        raise Malformed(f"{name!r}: shape {shape} does not take {end - start:,} bytes")
    return start, end, dtype, shape


def from_bfloat16(array: np.ndarray) -> np.ndarray:
    """float32 from the upper halves that ``array`` (uint16) holds."""
    return (array.astype("<u4") << 16).view("<f4")


def dump(tensors: Mapping[str, np.ndarray]) -> list[bytes]:
    """The pieces of a file that holds ``tensors``, in their order."""
    header, pieces, at = {}, [], 0
    for name, array in tensors.items():
        array = np.asarray(array)
        array = np.ascontiguousarray(array).reshape(array.shape)  # ascontiguousarray makes 0-D 1-D
        if array.dtype.str not in _NAMES:
            raise ValueError(f"{name}: safetensors has no type for {array.dtype}")
        header[name] = {"dtype": _NAMES[array.dtype.str], "shape": list(array.shape),
                        "data_offsets": [at, at + array.nbytes]}
        pieces.append(array.tobytes())
        at += array.nbytes
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return [len(text).to_bytes(8, "little"), text, *pieces]
