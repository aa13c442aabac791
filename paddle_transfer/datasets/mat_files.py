"""MATLAB files of archives."""

import zlib
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.io import loadmat

from paddle_transfer.datasets.files import missing
from paddle_transfer.errors import DataError
from paddle_transfer.files import read_bytes

#: Bytes of a file, and what its compressed variables may unfold to: so many times its size.
MAX_BYTES, MAX_RATIO = 64 << 20, 100
_HEADER, _COMPRESSED = 128, 15  # bytes before the first variable; the type of a compressed one


def read_mat(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The variables of a MATLAB 5 file, each with at least one dimension. Raises DataError."""
    try:
        _check_unfolded(read_bytes(path, MAX_BYTES))
        variables = loadmat(path, squeeze_me=True, struct_as_record=False)
    except FileNotFoundError:
        raise missing(path) from None
    except Exception as error:  # scipy's parser raises exceptions of any type
        raise DataError(f"{path}: should be a .mat file, but scipy cannot read it "
                        f"({error})") from None
    return {name: np.atleast_1d(value) for name, value in variables.items()}


def _check_unfolded(data: bytes) -> None:
    """Raise ValueError when the compressed variables of a MATLAB 5 file are many times its size."""
    order: Literal["little", "big"] = "little" if data[126:128] == b"IM" else "big"
    at, left = _HEADER, MAX_RATIO * len(data)
    while at + 8 <= len(data):
        kind, size = (int.from_bytes(data[at + i:at + i + 4], order) for i in (0, 4))
        unpacker, packed = zlib.decompressobj(), data[at + 8:at + 8 + size]
        while kind == _COMPRESSED and packed and not unpacker.eof:
            left -= len(unpacker.decompress(packed, 1 << 20))
            packed = unpacker.unconsumed_tail
            if left < 0:
                raise ValueError(f"it unfolds to more than {MAX_RATIO} times its size")
        at += 8 + size
