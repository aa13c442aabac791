"""Writes weights that anyone may read: only names and arrays, in a fixed order, whole or not at all."""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from paddle_transfer.weights import safetensors


def write(path: str | os.PathLike, tensors: Mapping[str, np.ndarray]) -> Path:
    """Write ``tensors``: safetensors when ``path`` ends so, else a ``.pdparams`` that ``paddle.load`` reads.

    The same tensors give the same bytes. The write is atomic.
    """
    path = Path(path)
    if path.suffix == ".safetensors":
        write_atomically(path, safetensors.dump(tensors))
    else:
        plain = {name: _contiguous(array) for name, array in tensors.items()}
        write_atomically(path, [pickle.dumps(plain, protocol=4)])
    return path


def _contiguous(array: np.ndarray) -> np.ndarray:
    array = np.asarray(array)
    return np.ascontiguousarray(array).reshape(array.shape)


def write_atomically(path: Path, pieces: Iterable[bytes]) -> None:
    """Temporary file beside ``path``, fsync, rename. The folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
