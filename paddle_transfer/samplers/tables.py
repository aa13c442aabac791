"""A recorded full grid: every point really trained, several seeds, the metric after every epoch.

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

import numpy

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.space.hyperparameter import Choice, is_number
from paddle_transfer.space.space import Point, Space

#: Where the published searches start.
BASELINE = {"lr": 0.003, "l2_decay": 1e-4, "label_smoothing": False, "mixup": False}

#: A point this close to the best counts as found, beside what its noise allows (0..1).
REACH = 0.004


@dataclass(frozen=True)
class Table:
    """``curves[i, s, e]`` is the metric of point ``i`` (``space.point(i)``), recorded seed ``s``,
    epoch ``e + 1``."""

    name: str
    space: Space
    curves: numpy.ndarray

    @property
    def epochs(self) -> int:
        return self.curves.shape[2]

    @property
    def seeds(self) -> int:
        return self.curves.shape[1]

    @property
    def truth(self) -> numpy.ndarray:
        """The true value of each point: the mean over its seeds at the last epoch."""
        return self.curves[:, :, -1].mean(axis=1)

    @property
    def regrets(self) -> numpy.ndarray:
        """Best minus true value of each point, 0..1."""
        return self.truth.max() - self.truth

    @property
    def noise(self) -> float:
        """The standard error of a point's mean among the good points: each seed's mean over all
        points is taken away, then the root of the mean variance over seeds (top tenth of points)
        through the number of seeds."""
        if self.seeds < 2:
            return 0.0
        last = self.curves[:, :, -1]
        centred = last - last.mean(axis=0, keepdims=True)
        top = numpy.argsort(-self.truth, kind="stable")[:max(1, round(len(last) / 10))]
        return float(numpy.sqrt(centred[top].var(axis=1, ddof=1).mean() / self.seeds))

    @property
    def within_reach(self) -> numpy.ndarray:
        """Which points count as found."""
        return self.regrets <= REACH + self.noise

    def curve(self, point: Point, seed: int) -> tuple[tuple[int, float], ...]:
        """(epoch, metric) of one recorded training, as a worker would have reported it."""
        values = self.curves[self.space.index(point), seed]
        return tuple((epoch + 1, float(value)) for epoch, value in enumerate(values))

    def baseline(self, given: Point | None = None) -> Point | None:
        """The published fixed point with ``given`` over it; None when the space has no such
        point."""
        point = {
            **{name: value for name, value in BASELINE.items() if name in self.space.names},
            **(given or {})
        }
        return point if self.space.contains(point) else None


def load_table(path: str) -> Table:
    """Read a table.

    :raises PaddleTransferError: when the file is not a full grid, with the line or the point that
        is wrong
    """
    path = Path(path)
    try:
        opened = gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(
            newline="")
        with opened as file:
            rows = list(csv.reader(line for line in file if not line.startswith("#")))
    except OSError as error:
        raise PaddleTransferError(f"{path}: cannot be read ({error.strerror or error})") from None
    if len(rows) < 2 or "seed" not in rows[0] or rows[0].index(
            "seed") < 1 or "epoch" not in rows[0]:
        raise PaddleTransferError(
            f"{path}: a table has the columns <hyperparameters>, seed, epoch, <metric>; "
            f"found {','.join(rows[0]) if rows else 'an empty file'}")
    width = rows[0].index("seed")
    records = {}
    for line, row in enumerate(rows[1:], start=2):
        try:
            key = tuple(cell_value(cell) for cell in row[:width])
            records[key, int(row[width]), int(row[width + 1])] = float(row[width + 2])
        except (ValueError, IndexError):
            raise PaddleTransferError(
                f"{path}: line {line} is not a row of the table: {','.join(row)}") from None
    return _assemble(
        path.name.removesuffix(".gz").removesuffix(".csv"), path, rows[0][:width], records)


def _assemble(name: str, path: Path, names: Sequence[str], records: dict) -> Table:
    keys, seeds, epochs = (list(dict.fromkeys(record[i] for record in records)) for i in range(3))
    space = Space(tuple(
        _choice(column, [key[i] for key in keys]) for i, column in enumerate(names)))
    curves = numpy.full((space.size, len(seeds), max(epochs)), numpy.nan)
    places = {seed: i for i, seed in enumerate(sorted(seeds))}
    for (key, seed, epoch), value in records.items():
        curves[space.index(dict(zip(names, key))), places[seed], epoch - 1] = value
    if space.size != len(keys):
        raise PaddleTransferError(
            f"{path}: not a full grid: {len(keys)} points, the columns make {space.size}")
    for i in range(space.size):
        if not math.isfinite(curves[i].sum()):
            raise PaddleTransferError(
                f"{path}: not a full grid: a seed or an epoch of {space.point(i)} is missing")
    return Table(name, space, curves)


def _choice(name: str, column: Sequence) -> Choice:
    """Numbers that span more than a factor of 20 lie on a logarithmic axis."""
    values = tuple(dict.fromkeys(column))
    numbers = [value for value in values if is_number(value) and value > 0]
    log = len(numbers) > 1 and all(is_number(v) and v >= 0
                                   for v in values) and max(numbers) / min(numbers) > 20
    return Choice(name, values, log=log)


def cell_value(cell: str):
    if cell in ("True", "False"):
        return cell == "True"
    try:
        return float(cell) if any(c in cell for c in ".eEn") else int(cell)
    except ValueError:
        return cell


def save_table(table: Table, path: str, *, comments: Sequence[str] = ()) -> None:
    """Write ``table`` as CSV (gzipped for ``.gz``), with ``comments`` as ``#`` lines on top."""
    path = Path(path)
    opened = gzip.open(path, "wt", newline="") if path.suffix == ".gz" else path.open(
        "w", newline="")
    with opened as file:
        file.writelines(f"# {comment}\n" for comment in comments)
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*table.space.names, "seed", "epoch", "top1"])
        for i, point in enumerate(table.space.points()):
            for seed in range(table.seeds):
                for epoch in range(table.epochs):
                    writer.writerow(
                        [*point.values(), seed, epoch + 1, f"{table.curves[i, seed, epoch]:.6g}"])
