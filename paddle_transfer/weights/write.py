"""Writes weights that anyone may read: only names and arrays, in a fixed order, whole or not at
all."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from paddle_transfer.config.load import write_atomic
from paddle_transfer.weights import safetensors


def write(path: str | os.PathLike[str], tensors: Mapping[str, np.ndarray]) -> Path:
    """Write ``tensors``: safetensors when ``path`` ends so, else a ``.pdparams`` that
    ``paddle.load`` reads. The folder is made.

    The same tensors give the same bytes. The write is atomic.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".safetensors":
        write_atomic(path, safetensors.dump(tensors))
    else:  # in C order, and 0-D arrays as such
        plain = {name: np.asarray(array, order="C") for name, array in tensors.items()}
        write_atomic(path, [pickle.dumps(plain, protocol=4)])
    return path
