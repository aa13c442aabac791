"""Pickles of plain containers and numpy arrays, and of nothing else: no code from the file is ever run."""

from __future__ import annotations

import pickle
from pathlib import Path

from paddle_transfer.errors import DataError


def _latin1(text: str, encoding: str = "latin1") -> bytes:
    # How protocol 2 writes bytes. Any other codec name would be looked up, so it is refused.
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"codec {encoding!r}")
    return text.encode("latin1")


class _Plain(pickle.Unpickler):
    """Admits what arrays of numbers need."""

    def find_class(self, module: str, name: str):
        import numpy as np

        if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
            return getattr(np, name)
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return _empty_array
        if (module, name) == ("_codecs", "encode"):
            return _latin1
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def _empty_array(kind, shape, dtype):
    import numpy as np

    # Real files ask for an empty byte array, which the state that follows fills; a shape would reserve memory.
    if kind is not np.ndarray or tuple(shape) not in ((0,), ()) or dtype not in (b"b", "b"):
        raise pickle.UnpicklingError("an array that is not built as numpy builds it")
    return np.ndarray.__new__(np.ndarray, (0,), "b")


def load_plain(path: Path) -> object:
    """What is pickled in ``path``, byte strings of Python 2 as bytes. Raises DataError that names what was refused."""
    try:
        with open(path, "rb") as stream:
            return _Plain(stream, encoding="bytes").load()
    except FileNotFoundError:
        raise DataError(f"{path}: the archive should hold this file, but it is not there") from None
    except pickle.UnpicklingError as error:
        raise DataError(
            f"{path}: refused, a pickle of plain arrays was expected, but {error}") from None
    except Exception as error:  # a torn or mutated stream raises nearly anything
        raise DataError(f"{path}: broken pickle ({type(error).__name__}: {error})") from None
