"""What every reader here enforces: errors, the budget of bytes and keys, shapes, sizes.

Reading a file takes at most nine times its size and half a GiB of memory: the file, copies that
opcodes ask for (``BUDGET`` times its size), tensors that are joined or named (as much again), and
objects of 2 million opcodes.
"""

from __future__ import annotations

import math

import numpy as np

MAX_DIMENSIONS, MAX_SIZE, MAX_KEY = 32, 2**40, 2**60
#: Bytes that may be made of a file, as a multiple of its size, and what a small file may take more.
BUDGET, SLACK = 4, 1 << 20
#: Python finds an integer's place in a mapping by its value, so a file can choose thousands that
#: all go to one place. A text's place cannot be chosen.
MAX_NUMBERS_AS_KEYS = 4096


class Malformed(ValueError):
    """The content of a file that no writer of weights makes."""


class Truncated(Malformed):
    """The file ends before its content does."""


class Refused(Exception):
    """A pickle asks for something that weights have no need of; the text names it."""


class Budget:
    """What may still be made on behalf of a file of ``size`` bytes."""

    def __init__(self, size: int):
        self.bytes, self.numbers = BUDGET * size + SLACK, MAX_NUMBERS_AS_KEYS

    def charge(self, count: int) -> None:
        """Count ``count`` bytes. Raises Malformed when none are left."""
        self.bytes -= count
        if self.bytes < 0:
            raise Malformed(f"it unfolds to more than {BUDGET} times its own size")

    def check_key(self, key: object) -> str | bytes | float | None:
        """``key`` of a mapping or an item of a set: a text, bytes, None, or one of a few numbers.
        Raises Malformed for others, which could be made to collide."""
        if isinstance(key, memoryview):
            return bytes(key)
        if isinstance(key, (str, bytes)) or key is None:
            return key
        if not isinstance(key, (int, float)) or not abs(key) < MAX_KEY:
            raise Malformed(f"a {type(key).__name__} as a key")
        self.numbers -= 1
        if self.numbers < 0:
            raise Malformed(f"more than {MAX_NUMBERS_AS_KEYS:,} numbers as keys")
        return key


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
    try:
        return np.frombuffer(data, dtype=dtype).reshape(tuple(shape), order="F" if fortran else "C")
    except ValueError:  # no numbers, of a shape that no array can have
        raise Malformed(f"{what}shape {list(shape)} is too big") from None
