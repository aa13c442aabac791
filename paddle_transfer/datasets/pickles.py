"""Pickles of plain containers and numpy arrays only: no code from the file is ever run."""

from pathlib import Path

from paddle_transfer.datasets.files import missing
from paddle_transfer.errors import DataError
from paddle_transfer.weights.errors import UnsafeWeights, WeightsError
from paddle_transfer.weights.read import read_all


def load_arrays(path: Path) -> object:
    """The object that is pickled in ``path``; byte strings of Python 2 become texts.

    Raises DataError, which names what was refused.
    """
    if not path.exists():
        raise missing(path)
    try:
        data: object = read_all(path)
    except UnsafeWeights as error:
        raise DataError(f"{path}: refused, a pickle of plain arrays was expected, "
                        f"but it asks for {error.asked}") from None
    except WeightsError as error:
        raise DataError(f"broken pickle: {error}") from None
    return data
