"""The few globals that a weights file may name, and what each stands for here.

None of them is the real object: ``builtins.eval`` never reaches Python's eval, ``numpy.dtype``
never reaches numpy's. Each entry is a small function that checks its arguments and builds plain
data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from paddle_transfer.weights import limits
from paddle_transfer.weights.limits import CopyBudget, Malformed, Refused, check_key

#: Booleans, integers, floats, complex numbers. No objects, texts, dates or records.
_DTYPE = re.compile(r"[<>=|]?(\?|[bBhHiIlLqQefdFD]|b1|[iu][1248]|f[248]|c8|c16)\Z")

Args = tuple[Any, ...]


@dataclass(frozen=True)
class AllowedGlobal:
    """A global that a pickle named and that is known.

    :param make: (budget, arguments) -> what a call of it gives; None: it cannot be called
    """

    name: str
    make: Callable[[CopyBudget, Args], object] | None = None


class Dtype:
    """numpy.dtype while it is rebuilt: its code first, then (BUILD) its byte order."""

    def __init__(self, _budget: CopyBudget, args: Args):
        code = args[0] if 1 <= len(args) <= 3 else None
        if not isinstance(code, str) or not _DTYPE.match(code):
            raise Refused(f"numpy.dtype({code!r})"[:80])
        self.dtype: np.dtype = np.dtype(code)

    def build(self, _budget: CopyBudget, state: object) -> None:
        """:param state: (version, byte order, subdescription, names, fields, size, alignment,
        flags), of which only the order may say something"""
        if not isinstance(state, tuple) or not 3 <= len(state) <= 9 or (
                state[1] not in ("<", ">", "|", "=")):
            raise Malformed("a strange dtype state")
        if any(part is not None for part in state[2:5]):
            raise Refused("numpy.dtype with fields")
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


class Array:
    """numpy.ndarray while it is rebuilt: empty until BUILD brings shape, dtype and bytes."""

    def __init__(self, value: np.ndarray | None = None):
        self.value = value

    def build(self, budget: CopyBudget, state: object) -> None:
        if not isinstance(state, tuple) or len(state) not in (4, 5):
            raise Malformed("a strange array state")
        shape, dtype, fortran, data = state[-4:]
        self.value = _array(budget, data, dtype, shape, "F" if fortran else "C")


def _array(budget: CopyBudget, data: object, dtype: object, shape: object,
           order: Literal["C", "F"]) -> np.ndarray:
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
    if not isinstance(shape, tuple) or not limits.is_shape(shape):
        raise Malformed("an array with a strange shape")
    array = limits.array_view("an array of ", data, dtype.dtype, shape, order)
    if dtype.dtype.isnative:
        return array
    budget.charge(array.nbytes)
    return array.astype(dtype.dtype.newbyteorder("="))


def _reconstruct(_budget: CopyBudget, args: Args) -> Array:
    """An empty array: the shape given here is never allocated."""
    kind = getattr(args[0], "name", "something") if args else "?"
    if len(args) != 3 or not isinstance(args[0], AllowedGlobal) or kind != "numpy.ndarray":
        raise Refused(f"numpy.core.multiarray._reconstruct of {kind}")
    return Array()


def _frombuffer(budget: CopyBudget, args: Args) -> Array:
    if len(args) != 4 or args[3] not in ("C", "F"):
        raise Malformed("a strange array buffer")
    return Array(_array(budget, args[0], args[1], args[2], args[3]))


def _scalar(budget: CopyBudget, args: Args) -> object:
    if len(args) != 2:
        raise Malformed("a strange scalar")
    return _array(budget, args[1], args[0], (), "C").item()


def _encode(budget: CopyBudget, args: Args) -> bytes:
    """Python 3 writes bytes as texts in protocols 0 to 2."""
    if len(args) != 2 or not isinstance(args[0], str) or args[1] not in ("latin1", "latin-1"):
        raise Refused("_codecs.encode other than latin1")
    budget.charge(len(args[0]))
    return args[0].encode("latin-1")


def _bytes(budget: CopyBudget, args: Args) -> bytes | memoryview:
    if not args:
        return b""
    if len(args) == 2:
        return _encode(budget, args)
    if len(args) == 1 and isinstance(args[0], (bytes, memoryview)):
        return args[0]
    raise Malformed("strange bytes")


def _items(budget: CopyBudget, args: Args) -> Sequence[Any]:
    """The items that a container is made from: none, or those of one argument."""
    if not args:
        return ()
    if len(args) != 1 or not isinstance(args[0], (list, tuple)):
        raise Malformed("a container of something strange")
    budget.charge(16 * len(args[0]))
    return args[0]


def _mapping(budget: CopyBudget, args: Args) -> dict[Any, Any]:
    result = {}
    for pair in _items(budget, args):
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise Malformed("a strange mapping")
        result[check_key(pair[0])] = pair[1]
    return result


def _paddle_tensor(_budget: CopyBudget, args: Args) -> Array:
    """paddle.save writes a DenseTensor as (eval, ("data", {"data": ndarray})); see
    reduce_DenseTensor in paddle/framework/io.py. Exactly this form means the array; nothing is
    evaluated."""
    if len(args) == 2 and args[0] == "data" and type(args[1]) is dict and (
            list(args[1]) == ["data"]) and isinstance(args[1]["data"], Array):
        return args[1]["data"]
    raise Refused("builtins.eval")


_ALLOWED = {allowed.name: allowed for allowed in (
    AllowedGlobal("numpy.ndarray"),
    AllowedGlobal("numpy.dtype", Dtype),
    AllowedGlobal("numpy.core.multiarray._reconstruct", _reconstruct),
    AllowedGlobal("numpy.core.multiarray.scalar", _scalar),
    AllowedGlobal("numpy.core.numeric._frombuffer", _frombuffer),
    AllowedGlobal("_codecs.encode", _encode),
    AllowedGlobal("collections.OrderedDict", _mapping),
    AllowedGlobal("builtins.dict", _mapping),
    AllowedGlobal("builtins.tuple", lambda budget, args: tuple(_items(budget, args))),
    AllowedGlobal("builtins.list", lambda budget, args: list(_items(budget, args))),
    AllowedGlobal("builtins.set", lambda budget, args: set(map(check_key, _items(budget, args)))),
    AllowedGlobal("builtins.bytes", _bytes),
    AllowedGlobal("builtins.bytearray", _bytes),
    AllowedGlobal("builtins.eval", _paddle_tensor),
)}
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
