"""A recorded full grid: every point trained with several seeds, the metric after every epoch.

CSV, plain or gzipped, one row per (point, seed, epoch): the hyperparameters by name, then ``seed,
epoch`` and one metric in 0..1; booleans are True/False, epochs count from 1. The space is what
occurs in the columns.
"""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy
from numpy.typing import NDArray

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.space.hyperparameter import Choice, Value, is_number
from paddle_transfer.space.space import Point, Space

#: Where the published searches start.
BASELINE: Point = {"lr": 0.003, "l2_decay": 1e-4, "label_smoothing": False, "mixup": False}

#: A point this close to the best counts as found, beside what its noise allows (0..1).
REACH = 0.004

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

    @property
    def seeds(self) -> int:
        """Trainings of a point."""
        return int(self.curves.shape[1])

    @property
    def truth(self) -> NDArray[numpy.float64]:
        """The true value of each point: the mean over its seeds at the last epoch."""
        truth: NDArray[numpy.float64] = self.curves[:, :, -1].mean(axis=1)
        return truth

    @property
    def regrets(self) -> NDArray[numpy.float64]:
        """Best minus true value of each point, 0..1."""
        regrets: NDArray[numpy.float64] = self.truth.max() - self.truth
        return regrets

    @property
    def noise(self) -> float:
        """The standard error of a point's mean among the good points: each seed's mean over all
        points is subtracted, then the root of the mean variance over seeds (top tenth of points)
        divided by the number of seeds."""
        if self.seeds < 2:
            return 0.0
        last = self.curves[:, :, -1]
        centred = last - last.mean(axis=0, keepdims=True)
        top = numpy.argsort(-self.truth, kind="stable")[:max(1, round(len(last) / 10))]
        return float(numpy.sqrt(centred[top].var(axis=1, ddof=1).mean() / self.seeds))

    @property
    def within_reach(self) -> NDArray[numpy.bool_]:
        """Which points count as found."""
        return numpy.asarray(self.regrets <= REACH + self.noise)

    def curve(self, point: Point, seed: int) -> tuple[tuple[int, float], ...]:
        """(epoch, metric) of one recorded training, as a worker would have reported it."""
        values = self.curves[self.space.index(point), seed]
        return tuple((epoch + 1, float(value)) for epoch, value in enumerate(values))

    def baseline(self, given: Point | None = None) -> Point | None:
        """The published baseline with ``given`` over it; None when the space has no such point."""
        known = {name: value for name, value in BASELINE.items() if name in self.space.names}
        point = {**known, **(given or {})}
        return point if self.space.contains(point) else None


def load_table(path: str | Path) -> Table:
    """Read a table. Raises PaddleTransferError when the file is not a full grid, with the line or
    the point that is wrong."""
    path = Path(path)
    try:
        with _opened(path, "r") as file:
            rows = list(csv.reader(line for line in file if not line.startswith("#")))
    except OSError as error:
        raise PaddleTransferError(f"{path}: cannot be read ({error.strerror or error})") from None
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
            records[key, int(row[width]), int(row[width + 1])] = float(row[width + 2])
        except (ValueError, IndexError):
            raise PaddleTransferError(
                f"{path}: line {line} is not a row of the table: {','.join(row)}") from None
    return _assemble(path, head[:width], records)


def _opened(path: Path, mode: str) -> IO[str]:
    zipped = path.suffix == ".gz"
    return cast(IO[str], gzip.open(path, f"{mode}t", newline="") if zipped
                else path.open(mode, newline=""))


def _assemble(path: Path, names: Sequence[str], records: dict[_Cell, float]) -> Table:
    keys = list(dict.fromkeys(key for key, _, _ in records))
    seeds = {seed: i for i, seed in enumerate(sorted({seed for _, seed, _ in records}))}
    space = Space(tuple(choice_of(column, [key[i] for key in keys])
                        for i, column in enumerate(names)))
    size = space.size or 0
    curves = numpy.full((size, len(seeds), max(epoch for _, _, epoch in records)), numpy.nan)
    for (key, seed, epoch), value in records.items():
        curves[space.index(dict(zip(names, key, strict=True))), seeds[seed], epoch - 1] = value
    if size != len(keys):
        raise PaddleTransferError(
            f"{path}: not a full grid: {len(keys)} points, the columns make {size}")
    for i in range(size):
        if not math.isfinite(curves[i].sum()):
            raise PaddleTransferError(
                f"{path}: not a full grid: a seed or an epoch of {space.point(i)} is missing")
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
        return float(cell) if any(c in cell for c in ".eEn") else int(cell)
    except ValueError:
        return cell


def save_table(table: Table, path: str | Path, *, comments: Sequence[str] = ()) -> None:
    """Write ``table`` as CSV (gzipped for ``.gz``), with ``comments`` as ``#`` lines on top."""
    with _opened(Path(path), "w") as file:
        file.writelines(f"# {comment}\n" for comment in comments)
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*table.space.names, "seed", "epoch", "top1"])
        for i, point in enumerate(table.space.points()):
            for seed, curve in enumerate(table.curves[i]):
                writer.writerows([*point.values(), seed, epoch, f"{value:.6g}"]
                                 for epoch, value in enumerate(curve, start=1))
