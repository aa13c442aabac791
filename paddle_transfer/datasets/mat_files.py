"""MATLAB files of archives."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.io import loadmat

from paddle_transfer.datasets.files import missing
from paddle_transfer.errors import DataError


def read_mat(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The variables of a MATLAB 5 file, each with at least one dimension. Raises DataError."""
    try:
        variables = loadmat(path, squeeze_me=True, struct_as_record=False)
    except FileNotFoundError:
        raise missing(path) from None
    except Exception as error:  # scipy's parser raises exceptions of any type
        raise DataError(f"{path}: should be a .mat file, but scipy cannot read it "
                        f"({error})") from None
    return {name: np.atleast_1d(value) for name, value in variables.items()}
