"""The safetensors format (https://huggingface.co/docs/safetensors): the length of the header
(8 bytes), the header (JSON), the tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from paddle_transfer.weights.file_bytes import FileBytes
from paddle_transfer.weights.limits import Malformed, Truncated, array_view, is_shape

_TYPES = {
    "BOOL": "|b1", "U8": "|u1", "I8": "|i1", "U16": "<u2", "I16": "<i2", "U32": "<u4",
    "I32": "<i4", "U64": "<u8", "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8"
}
_NAMES = {code: name for name, code in _TYPES.items()}
_BFLOAT16 = "BF16"
#: Bytes of names and shapes; a hundred thousand tensors have 10 MB. JSON takes up to 40 times its
#: size in memory.
MAX_HEADER = 16 << 20


def parse(data: FileBytes) -> dict[str, np.ndarray]:
    """The tensors of a whole file, as views of ``data``; bfloat16 becomes float32.

    :raises Malformed: anything is not as the format has it
    """
    length = int.from_bytes(data[:8], "little")
    if length > MAX_HEADER:
        raise Malformed(f"its header claims {length:,} bytes")
    if length > len(data) - 8:
        raise Truncated(f"its header has {length:,} bytes, but only {len(data) - 8:,} are there")
    try:
        header = json.loads(bytes(data[8:8 + length]), object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"its header is no JSON: {error}"[:200]) from None
    if not isinstance(header, dict):
        raise Malformed("its header is no mapping")
    if not isinstance(header.pop("__metadata__", {}), dict):
        raise Malformed("its metadata is no mapping")
    body = memoryview(data)[8 + length:]
    tensors, spans = {}, []
    for name, entry in header.items():
        dtype, shape, (start, end) = _check_entry(name, entry, len(body))
        spans.append((start, end))
        code = np.dtype(_TYPES.get(dtype, "<u2"))
        array = array_view(f"{name!r}: ", body[start:end], code, shape)
        tensors[name] = from_bfloat16(array) if dtype == _BFLOAT16 else array
    _check_spans(spans, len(body))
    return tensors


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name stands there twice")
    return result


def _check_entry(name: str, entry: object, size: int) -> tuple[str, list[int], list[int]]:
    """(type, shape, [start, end]) of a tensor; ``size``: of the bytes behind the header."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise Malformed(f"{name!r}: a strange entry")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    known = isinstance(dtype, str) and (dtype in _TYPES or dtype == _BFLOAT16)
    if not known or not is_shape(shape) or not is_shape(offsets) or len(offsets) != 2:
        raise Malformed(f"{name!r}: a strange type, shape or place")
    if not offsets[0] <= offsets[1] <= size:
        raise (Truncated if offsets[0] <= offsets[1] else Malformed)(
            f"{name!r}: lies at {offsets[0]:,}..{offsets[1]:,} of {size:,} bytes")
    return dtype, shape, offsets


def _check_spans(spans: list[tuple[int, int]], size: int) -> None:
    """Every byte belongs to exactly one tensor."""
    at = 0
    for start, end in sorted(spans):
        if start != at:
            raise Malformed("its tensors overlap or leave holes")
        at = end
    if at != size:
        raise Malformed(f"{size - at:,} bytes follow its last tensor")


def from_bfloat16(array: np.ndarray) -> np.ndarray:
    """float32 from the upper halves that ``array`` (uint16) holds."""
    wide = array.astype("<u4")
    wide <<= 16
    return wide.view("<f4")


def dump(tensors: Mapping[str, np.ndarray]) -> list[bytes | memoryview]:
    """The pieces of a file that holds ``tensors``, in their order; large ones are not copied."""
    header, pieces, at = {}, list[bytes | memoryview](), 0
    for name, array in tensors.items():
        array = np.asarray(array)
        if array.dtype.str not in _NAMES:
            raise ValueError(f"{name}: safetensors has no type for {array.dtype}")
        header[name] = {"dtype": _NAMES[array.dtype.str], "shape": list(array.shape),
                        "data_offsets": [at, at + array.nbytes]}
        pieces.append(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        at += array.nbytes
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return [len(text).to_bytes(8, "little"), text, *pieces]
