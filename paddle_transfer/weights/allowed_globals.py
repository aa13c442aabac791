"""The few names that a weights file may ask for, and what each is taken to mean.

Nothing here is the thing named: ``builtins.eval`` never reaches Python's eval, ``numpy.dtype`` never reaches
numpy's. Every entry is a small function that checks its arguments and builds plain data.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

#: What a dtype may be: booleans, integers, floats, complex numbers. No objects, texts, dates or records.
_DTYPE = re.compile(r"[<>=|]?(\?|[bBhHiIlLqQefdFD]|b1|[iu][1248]|f[248]|c8|c16)\Z")
MAX_DIMENSIONS = 32


class Malformed(ValueError):
    """A pickle that no writer of weights makes."""


class Refused(Exception):
    """A pickle that asks for ``asked``."""

    def __init__(self, asked: str):
        self.asked = asked
        super().__init__(asked)


@dataclass(frozen=True)
class Symbol:
    """A name that was asked for and is known. ``make(machine, args)`` is what calling it means; None: not callable."""

    name: str
    make: Callable[[Any, tuple], Any] | None = None


class Dtype:
    """numpy.dtype as it is being rebuilt: first its code, then (BUILD) its byte order."""

    def __init__(self, code: str):
        if not isinstance(code, str) or not _DTYPE.match(code):
            raise Refused(f"numpy.dtype({code!r})"[:80])
        self.dtype = np.dtype(code)

    def build(self, machine, state) -> None:
        # (version, byte order, subdescription, names, fields, size, alignment, flags): only the order may say something
        if not isinstance(state, tuple) or not 3 <= len(state) <= 9 or state[1] not in ("<", ">",
                                                                                        "|", "="):
            raise Malformed("a strange dtype state")
        if any(part is not None for part in state[2:5]):
            raise Refused("numpy.dtype with fields")
        if state[1] in "<>":
            self.dtype = self.dtype.newbyteorder(state[1])


class Array:
    """numpy.ndarray as it is being rebuilt. Empty until BUILD brings shape, dtype and bytes, which must agree."""

    def __init__(self, value: np.ndarray | None = None):
        self.value = value

    def build(self, machine, state) -> None:
        if not isinstance(state, tuple) or len(state) not in (4, 5):
            raise Malformed("a strange array state")
        shape, dtype, fortran, data = state[-4:]
        self.value = array_of(machine, data, dtype, shape, "F" if fortran else "C")


def array_of(machine, data, dtype, shape, order: str) -> np.ndarray:
    """A view of ``data`` (no copy, unless the bytes are in the other order)."""
    if not isinstance(dtype, Dtype):
        raise Malformed("an array without a dtype")
    if isinstance(data, str):  # Python 2 wrote bytes as text
        machine.charge(len(data))
        data = data.encode("latin-1")
    if isinstance(data, list):
        raise Refused("numpy object array")
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise Malformed("an array without bytes")
    if not isinstance(shape, tuple) or len(shape) > MAX_DIMENSIONS or any(
            type(size) is not int or not 0 <= size < 2**40 for size in shape):
        raise Malformed("an array with a strange shape")
    wanted = math.prod(shape) * dtype.dtype.itemsize
    if wanted != len(data):
        raise Malformed(
            f"an array of shape {list(shape)} takes {wanted} bytes, but {len(data)} are there")
    array = np.frombuffer(data, dtype=dtype.dtype).reshape(shape, order=order)
    if not dtype.dtype.isnative:
        machine.charge(array.nbytes)
        array = array.astype(dtype.dtype.newbyteorder("="))
    return array


def _reconstruct(machine, args):
    if len(args) != 3 or not isinstance(args[0], Symbol) or args[0].name != "numpy.ndarray":
        raise Refused(
            f"numpy.core.multiarray._reconstruct of {getattr(args[0], 'name', 'something') if args else '?'}"
        )
    return Array()  # the shape given here is never allocated


def _frombuffer(machine, args):
    if len(args) != 4 or args[3] not in ("C", "F"):
        raise Malformed("a strange array buffer")
    return Array(array_of(machine, args[0], args[1], args[2], args[3]))


def _scalar(machine, args):
    if len(args) != 2:
        raise Malformed("a strange scalar")
    return array_of(machine, args[1], args[0], (), "C").item()


def _dtype(machine, args):
    if not 1 <= len(args) <= 3:
        raise Malformed("a strange dtype")
    return Dtype(args[0])


def _encode(machine, args):
    # Python 3 writes bytes this way in protocols 0 to 2
    if not 1 <= len(args) <= 2 or not isinstance(args[0], str) or args[1:] not in (("latin1", ),
                                                                                   ("latin-1", )):
        raise Refused("_codecs.encode other than latin1")
    machine.charge(len(args[0]))
    return args[0].encode("latin-1")


def _bytes(machine, args):
    if not args:
        return b""
    if len(args) == 2:
        return _encode(machine, args)
    if len(args) == 1 and isinstance(args[0], (bytes, memoryview)):
        return args[0]
    raise Malformed("strange bytes")


def _sequence(kind):
    def make(machine, args):
        if not args:
            return kind()
        if len(args) != 1 or type(args[0]) not in (list, tuple):
            raise Malformed(f"a strange {kind.__name__}")
        machine.charge(8 * len(args[0]))
        if kind is set:
            for item in args[0]:
                machine.check_key(item)
        return kind(args[0])
    return make


def _mapping(machine, args):
    if not args:
        return {}
    if len(args) != 1 or type(args[0]) not in (list, tuple):
        raise Malformed("a strange mapping")
    machine.charge(16 * len(args[0]))
    result = {}
    for pair in args[0]:
        if type(pair) not in (list, tuple) or len(pair) != 2:
            raise Malformed("a strange mapping")
        result[machine.check_key(pair[0])] = pair[1]
    return result


def _paddle_tensor(machine, args):
    # paddle.save writes a DenseTensor as (eval, ("data", {"data": ndarray})); see reduce_DenseTensor in
    # paddle/framework/io.py. Exactly this form means the array; nothing is evaluated.
    if len(args) == 2 and args[0] == "data" and type(args[1]) is dict and list(args[1]) == ["data"] \
            and isinstance(args[1]["data"], Array):
        return args[1]["data"]
    raise Refused("builtins.eval")


_KNOWN = {symbol.name: symbol for symbol in (
    Symbol("numpy.ndarray"),
    Symbol("numpy.dtype", _dtype),
    Symbol("numpy.core.multiarray._reconstruct", _reconstruct),
    Symbol("numpy.core.multiarray.scalar", _scalar),
    Symbol("numpy.core.numeric._frombuffer", _frombuffer),
    Symbol("_codecs.encode", _encode),
    Symbol("collections.OrderedDict", _mapping),
    Symbol("builtins.dict", _mapping),
    Symbol("builtins.tuple", _sequence(tuple)),
    Symbol("builtins.list", _sequence(list)),
    Symbol("builtins.set", _sequence(set)),
    Symbol("builtins.bytes", _bytes),
    Symbol("builtins.bytearray", _bytes),
    Symbol("builtins.eval", _paddle_tensor),
)}
_ALIASES = {
    "__builtin__": "builtins", "numpy._core.multiarray": "numpy.core.multiarray",
    "numpy._core.numeric": "numpy.core.numeric",
    "numpy.core._multiarray_umath": "numpy.core.multiarray",
    "numpy._core._multiarray_umath": "numpy.core.multiarray"
}


def lookup(module: Any, name: Any) -> Symbol:
    """The symbol for ``module.name``; Refused, with the name as the file wrote it, when it is none of the few."""
    if not isinstance(module, str) or not isinstance(name, str):
        raise Malformed("a name that is no text")
    known = _KNOWN.get(f"{_ALIASES.get(module, module)}.{name}")
    if known is None:
        raise Refused(f"{module}.{name}"[:200])
    return known
