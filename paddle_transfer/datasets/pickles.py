"""Pickles of plain containers and numpy arrays only: no code from the file is ever run."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from paddle_transfer.datasets.files import missing
from paddle_transfer.errors import DataError


def load_arrays(path: Path) -> object:
    """The object that is pickled in ``path``; byte strings of Python 2 stay bytes.

    Raises DataError, which names what was refused.
    """
    try:
        with open(path, "rb") as stream:
            return _ArrayUnpickler(stream, encoding="bytes").load()
    except FileNotFoundError:
        raise missing(path) from None
    except pickle.UnpicklingError as error:
        raise DataError(f"{path}: refused, a pickle of plain arrays was expected, "
                        f"but {error}") from None
    except Exception as error:  # a broken stream raises exceptions of nearly any type
        raise DataError(f"{path}: broken pickle ({type(error).__name__}: {error})") from None


class _ArrayUnpickler(pickle.Unpickler):
    """Allows the globals that arrays of numbers need."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
            return getattr(np, name)
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return _empty_array
        if (module, name) == ("_codecs", "encode"):
            return _encode_latin1
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def _encode_latin1(text: str, encoding: str = "latin1") -> bytes:
    # How protocol 2 stores bytes. Another codec name would be looked up, so it is refused.
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"codec {encoding!r}")
    return text.encode("latin1")


def _empty_array(kind: object, shape: tuple[int, ...], dtype: object) -> npt.NDArray[Any]:
    # Real files ask for an empty byte array, which is filled later; a shape would reserve memory.
    if kind is not np.ndarray or tuple(shape) not in ((0,), ()) or dtype not in (b"b", "b"):
        raise pickle.UnpicklingError("an array that is not built as numpy builds it")
    return np.empty(0, "b")
