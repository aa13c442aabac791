"""Reading of small text files of archives; all errors are DataError."""

import json
from pathlib import Path
from typing import SupportsInt

from paddle_transfer.errors import DataError
from paddle_transfer.files import read_bytes

MAX_BYTES = 256 << 20


def missing(path: Path) -> DataError:
    return DataError(f"{path}: the archive should hold this file, but it is not there")


def read_lines(path: Path) -> list[str]:
    """The stripped, non-blank lines of a UTF-8 file."""
    try:
        text = read_bytes(path, MAX_BYTES).decode("utf-8-sig")
    except FileNotFoundError:
        raise missing(path) from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: should be UTF-8 text, but is not") from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def read_json_lists(path: Path) -> dict[str, list[str]]:
    """A JSON file that maps each class to a list of images."""
    try:
        data = json.loads(read_bytes(path, MAX_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: should be a JSON file of the archive, but {error}") from None
    if not isinstance(data, dict) or not all(isinstance(files, list) for files in data.values()):
        raise DataError(f"{path}: should map each class to a list of images")
    return data


def parse_label(text: str | SupportsInt, *, classes: int, file: Path) -> int:
    """A 1-based label as a 0-based one; ``file`` is named in the error."""
    try:
        number = int(text)
    except (TypeError, ValueError):
        number = 0
    if not 1 <= number <= classes:
        raise DataError(f"{file}: a label should be a whole number in 1..{classes}, "
                        f"but got {text!r}")
    return number - 1
