"""What every reader here enforces: errors, the budget of copies, plain keys, shapes, sizes."""

from __future__ import annotations

import math

import numpy as np

MAX_DIMENSIONS, MAX_SIZE, MAX_KEY = 32, 2**40, 2**60


class Malformed(ValueError):
    """The content of a file that no writer of weights makes."""


class Truncated(Malformed):
    """The file ends before its content does."""


class Refused(Exception):
    """A pickle asks for something that weights have no need of; the text names it."""


class CopyBudget:
    """The bytes that may still be copied on behalf of a file: a few times its own ``size``."""

    def __init__(self, size: int):
        self.left = 4 * size + (1 << 20)

    def charge(self, count: int) -> None:
        """Count ``count`` copied bytes. Raises Malformed when none are left."""
        self.left -= count
        if self.left < 0:
            raise Malformed("it unfolds to many times its own size")


def check_key(key: object) -> str | float | None:
    """``key`` of a mapping: a text, a small number or None. Others could be made to collide."""
    if isinstance(key, str) or key is None or (
            isinstance(key, (int, float)) and abs(key) < MAX_KEY):
        return key
    raise Malformed(f"a {type(key).__name__} as a key")


def is_shape(shape: object) -> bool:
    """Whether ``shape`` is a tuple or list of at most 32 sizes, each below 2**40."""
    return isinstance(shape, (tuple, list)) and len(shape) <= MAX_DIMENSIONS and all(
        type(size) is int and 0 <= size < MAX_SIZE for size in shape)


def array_view(what: str, data: bytes | bytearray | memoryview, dtype: np.dtype,
               shape: tuple[int, ...] | list[int], *, fortran: bool = False) -> np.ndarray:
    """The array in ``data``, without a copy. Raises Malformed when the sizes do not agree.

    :param what: how the error begins
    :param shape: one that ``is_shape`` accepts
    """
    if math.prod(shape) * dtype.itemsize != len(data):
        raise Malformed(f"{what}shape {list(shape)} does not take {len(data):,} bytes")
    return np.frombuffer(data, dtype=dtype).reshape(tuple(shape), order="F" if fortran else "C")
