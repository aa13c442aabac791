"""What a data set's module gives: ``read(root, seed) -> Layout``, from extracted files to named splits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from paddle_transfer.checks.listfile import Entry
from paddle_transfer.errors import DataError


@dataclass(frozen=True)
class Layout:
    """A data set as its authors split it.

    ``classes[i]`` is the name of label ``i``; ``splits`` has "train", and "val" and "test" where they exist.
    """

    classes: tuple[str, ...]
    splits: dict[str, list[Entry]]


def lines_of(path: Path) -> list[str]:
    """The lines of a text file without ends and blank ones. Raises DataError when it is not there or not text."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path}: the archive should hold this file, but it is not there") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: should be UTF-8 text, but is not") from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def load_mat(path: Path) -> dict:
    """The variables of a MATLAB 5 file. Raises DataError."""
    from scipy.io import loadmat

    try:
        return loadmat(path, squeeze_me=True, struct_as_record=False)
    except FileNotFoundError:
        raise DataError(f"{path}: the archive should hold this file, but it is not there") from None
    except Exception as error:  # scipy raises whatever its parser stumbles over
        raise DataError(
            f"{path}: should be a .mat file, but scipy cannot read it ({error})") from None


def label(text: object, *, classes: int, where: object) -> int:
    """A 1-based label of a file as a 0-based one. Raises DataError when it is not in 1..classes."""
    try:
        number = int(text)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        number = 0
    if not 1 <= number <= classes:
        raise DataError(
            f"{where}: a label should be a whole number in 1..{classes}, but got {text!r}")
    return number - 1
