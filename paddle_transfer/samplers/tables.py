"""A recorded full grid: every point trained with several seeds, the metric after every epoch.

CSV, plain or gzipped, one row per (point, seed, epoch): the hyperparameters by name, then ``seed,
epoch`` and one metric in 0..1; booleans are True/False, epochs count from 1. The space is what
occurs in the columns.
"""

from __future__ import annotations

import csv
import math
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy
from numpy.typing import NDArray

from paddle_transfer.errors import PaddleTransferError, reading
from paddle_transfer.files import read_bytes
from paddle_transfer.space.hyperparameter import Choice, Value, is_number
from paddle_transfer.space.space import Space

#: Bytes of a table, packed or not; points, which are compared with each other.
MAX_BYTES, MAX_POINTS = 256 << 20, 4096
#: Integers beyond it are texts: Python gives many of them one place in a mapping.
MAX_INTEGER = 2**60

#: (values of a point, seed, epoch)
_Cell = tuple[tuple[Value, ...], int, int]


@dataclass(frozen=True)
class Table:
    """A recorded grid.

    ``curves[i, s, e]`` is the metric of ``space.point(i)``, recorded seed ``s``, epoch ``e + 1``.
    """

    name: str
    space: Space
    curves: NDArray[numpy.float64]

    @property
    def epochs(self) -> int:
        """Epochs of a training."""
        return int(self.curves.shape[2])


def load_table(path: str | Path) -> Table:
    """Read a table. Raises PaddleTransferError when the file is not a full grid, with the line or
    the point that is wrong."""
    path = Path(path)
    try:
        data = read_bytes(path, MAX_BYTES)
    except OSError as error:
        raise PaddleTransferError(f"{path}: cannot be read ({error.strerror or error})") from None
    with reading(path, error=PaddleTransferError):
        return _read(path, _unpacked(data) if path.suffix == ".gz" else data)


def _unpacked(data: bytes) -> bytes:
    """The content of a gzip file. Raises ValueError, zlib.error when it is broken or too big."""
    unpacker = zlib.decompressobj(wbits=31)
    text = unpacker.decompress(data, MAX_BYTES)
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError(f"it is cut short, has something behind its end or unfolds to more than "
                         f"{MAX_BYTES:,} bytes")
    return text


def _read(path: Path, data: bytes) -> Table:
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise PaddleTransferError(f"{path}: must be UTF-8 text; found byte "
                                  f"{data[error.start]:#x}. Save it as UTF-8") from None
    rows = list(csv.reader(line for line in lines if not line.startswith("#")))
    head = rows[0] if rows else []
    if len(rows) < 2 or "seed" not in head or head.index("seed") < 1 or "epoch" not in head:
        raise PaddleTransferError(
            f"{path}: a table has the columns <hyperparameters>, seed, epoch, <metric>; "
            f"found {','.join(head) if rows else 'an empty file'}")
    width = head.index("seed")
    records: dict[_Cell, float] = {}
    for line, row in enumerate(rows[1:], start=2):
        try:
            key = tuple(cell_value(cell) for cell in row[:width])
            cell, metric = (key, int(row[width]), int(row[width + 1])), float(row[width + 2])
            if cell[2] < 1 or not 0 <= metric <= 1 or cell in records:
                raise ValueError
            records[cell] = metric
        except (ValueError, IndexError):
            raise PaddleTransferError(
                f"{path}: line {line} is not a row of the table, whose epochs count from 1 and "
                f"whose metrics lie in 0..1, each once: {','.join(row)}") from None
    return _assemble(path, head[:width], records)


def _assemble(path: Path, names: Sequence[str], records: dict[_Cell, float]) -> Table:
    keys = list(dict.fromkeys(key for key, _, _ in records))
    seeds = {seed: i for i, seed in enumerate(sorted({seed for _, seed, _ in records}))}
    space = Space(tuple(choice_of(column, [key[i] for key in keys])
                        for i, column in enumerate(names)))
    size, epochs = space.size or 0, max(epoch for _, _, epoch in records)
    if size != len(keys):
        raise PaddleTransferError(
            f"{path}: not a full grid: {len(keys)} points, the columns make {size}")
    if size > MAX_POINTS:
        raise PaddleTransferError(f"{path}: {size:,} points are more than the {MAX_POINTS:,} that "
                                  "are compared")
    for key, count in Counter(key for key, _, _ in records).items():
        if count != len(seeds) * epochs:  # before anything of that size is made
            raise PaddleTransferError(f"{path}: not a full grid: a seed or an epoch of "
                                      f"{dict(zip(names, key, strict=True))} is missing")
    curves = numpy.empty((size, len(seeds), epochs))
    for (key, seed, epoch), value in records.items():
        curves[space.index(dict(zip(names, key, strict=True))), seeds[seed], epoch - 1] = value
    return Table(path.name.removesuffix(".gz").removesuffix(".csv"), space, curves)


def choice_of(name: str, values: Sequence[Value]) -> Choice:
    """The choice of ``values``, which may repeat. Numbers that span more than a factor of 20 lie on
    a logarithmic axis."""
    distinct = tuple(dict.fromkeys(values))
    numbers = [value for value in distinct if is_number(value) and value > 0]
    log = len(numbers) > 1 and max(numbers) / min(numbers) > 20 and all(
        is_number(value) and value >= 0 for value in distinct)
    return Choice(name, distinct, log=log)


def cell_value(cell: str) -> bool | int | float | str:
    """The value that a cell stands for."""
    if cell in ("True", "False"):
        return cell == "True"
    try:
        number = float(cell) if any(c in cell for c in ".eEn") else int(cell)
        return number if math.isfinite(number) and abs(number) < MAX_INTEGER else cell
    except (ValueError, OverflowError):
        return cell
