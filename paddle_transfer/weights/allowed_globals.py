"""The few globals that a weights file may name, and what each stands for here.

None of them is the real object: ``builtins.eval`` never reaches Python's eval, ``numpy.dtype``
never reaches numpy's. Each entry is a small function that checks its arguments and builds plain
data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from paddle_transfer.weights import limits
from paddle_transfer.weights.limits import Budget, Malformed, Refused

#: Memory of an empty set, the biggest object that one opcode makes.
SET_BYTES = 216
#: Booleans, integers, floats, complex numbers. No objects, texts, dates or records.
_DTYPE = re.compile(r"[<>=|]?(\?|[bBhHiIlLqQefdFD]|b1|[iu][1248]|f[248]|c8|c16)\Z")


@dataclass(frozen=True)
class AllowedGlobal:
    """A global that a pickle named and that is known.

    :param make: (budget, *arguments) -> what a call of it gives; None: it cannot be called. Wrong
        arguments raise Malformed, TypeError or ValueError
    """

    name: str
    make: Callable[..., object] | None


class Dtype:
    """numpy.dtype while it is rebuilt: its code first, then (BUILD) its byte order."""

    def __init__(self, _budget: Budget, code: object, _align: object = 0, _copy: object = 0):
        if not isinstance(code, str) or not _DTYPE.match(code):
            raise Refused(f"numpy.dtype({code!r})"[:80])
        self.dtype: np.dtype = np.dtype(code)

    def build(self, _budget: Budget, state: tuple[Any, ...]) -> None:
        """:param state: (version, byte order, subdescription, names, fields, size, alignment,
        flags), of which only the order may say something"""
        _, order, *fields = state[:5]
        if order not in ("<", ">", "|", "="):
            raise Malformed("a strange dtype state")
        if any(part is not None for part in fields):
            raise Refused("numpy.dtype with fields")
        if order in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(order)


class Array:
    """numpy.ndarray while it is rebuilt: empty until BUILD brings shape, dtype and bytes."""

    def __init__(self, value: np.ndarray | None = None):
        self.value = value

    def build(self, budget: Budget, state: tuple[Any, ...]) -> None:
        shape, dtype, fortran, data = state[-4:]
        self.value = _array(budget, data, dtype, shape, "F" if fortran else "C")


def _array(budget: Budget, data: object, dtype: object, shape: object,
           order: object) -> np.ndarray:
    """A view of ``data``; a copy when its bytes are in the other order."""
    if not isinstance(dtype, Dtype):
        raise Malformed("an array without a dtype")
    if isinstance(data, str):  # Python 2 wrote bytes as text
        budget.charge(len(data))
        data = data.encode("latin-1")
    if isinstance(data, list):
        raise Refused("numpy object array")
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise Malformed("an array without bytes")
    if not isinstance(shape, tuple) or not limits.is_shape(shape) or order not in ("C", "F"):
        raise Malformed("an array with a strange shape")
    array = limits.array_view("an array of ", data, dtype.dtype, shape, fortran=order == "F")
    if dtype.dtype.isnative:
        return array
    budget.charge(array.nbytes)
    return array.astype(dtype.dtype.newbyteorder("="))


def _reconstruct(_budget: Budget, kind: object, _shape: object, _type: object) -> Array:
    """An empty array: the shape given here is never allocated."""
    if getattr(kind, "name", "") != "numpy.ndarray":
        raise Refused(f"numpy.core.multiarray._reconstruct of {getattr(kind, 'name', 'something')}")
    return Array()


def _frombuffer(budget: Budget, data: object, dtype: object, shape: object,
                order: object) -> Array:
    return Array(_array(budget, data, dtype, shape, order))


def _scalar(budget: Budget, dtype: object, data: object) -> object:
    return _array(budget, data, dtype, (), "C").item()


def _encode(budget: Budget, text: object, encoding: object = "utf-8") -> bytes:
    """Python 3 writes bytes as texts in protocols 0 to 2."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise Refused("_codecs.encode other than latin1")
    budget.charge(len(text))
    return text.encode("latin-1")


def _bytes(budget: Budget, data: object = b"", *encoding: object) -> bytes | memoryview:
    if encoding:
        return _encode(budget, data, *encoding)
    if not isinstance(data, (bytes, memoryview)):
        raise Malformed("strange bytes")
    return data


def _items(budget: Budget, items: object = ()) -> Sequence[Any]:
    """The items that a container is made from."""
    if not isinstance(items, (list, tuple)):
        raise Malformed("a container of something strange")
    budget.charge(16 * len(items))
    return items


def _mapping(budget: Budget, *pairs: object) -> dict[Any, Any]:
    items = _items(budget, *pairs)
    mapping = {budget.check_key(key): value for key, value in items}
    if len(mapping) != len(items):
        raise Malformed("a key stands twice in a mapping")
    return mapping


def _set(budget: Budget, *items: object) -> set[Any]:
    budget.charge(SET_BYTES)
    return set(map(budget.check_key, _items(budget, *items)))


def _paddle_tensor(_budget: Budget, *args: object) -> Array:
    """paddle.save writes a DenseTensor as (eval, ("data", {"data": ndarray})); see
    reduce_DenseTensor in paddle/framework/io.py. Exactly this form means the array; nothing is
    evaluated."""
    if len(args) == 2 and args[0] == "data" and type(args[1]) is dict and (
            list(args[1]) == ["data"]) and isinstance(args[1]["data"], Array):
        return args[1]["data"]
    raise Refused("builtins.eval")


_ALLOWED = {name: AllowedGlobal(name, make) for name, make in {
    "numpy.ndarray": None, "numpy.dtype": Dtype,
    "numpy.core.multiarray._reconstruct": _reconstruct, "numpy.core.multiarray.scalar": _scalar,
    "numpy.core.numeric._frombuffer": _frombuffer, "_codecs.encode": _encode,
    "collections.OrderedDict": _mapping, "builtins.dict": _mapping,
    "builtins.tuple": lambda *args: tuple(_items(*args)),
    "builtins.list": lambda *args: list(_items(*args)),
    "builtins.set": _set, "builtins.bytes": _bytes, "builtins.bytearray": _bytes,
    "builtins.eval": _paddle_tensor,
}.items()}
#: Other names of these modules, in Python 2 and in numpy 2.
_ALIASES = {
    "__builtin__": "builtins", "numpy._core.numeric": "numpy.core.numeric", **dict.fromkeys((
        "numpy._core.multiarray", "numpy.core._multiarray_umath", "numpy._core._multiarray_umath"),
        "numpy.core.multiarray")}


def find_global(module: object, name: object) -> AllowedGlobal:
    """The global ``module.name``. Raises Refused, with the file's own name, for any other."""
    if not isinstance(module, str) or not isinstance(name, str):
        raise Malformed("a name that is no text")
    allowed = _ALLOWED.get(f"{_ALIASES.get(module, module)}.{name}")
    if allowed is None:
        raise Refused(f"{module}.{name}"[:200])
    return allowed
