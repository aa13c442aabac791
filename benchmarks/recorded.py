"""Recorded tables as benchmarks see them: the true value of every point, regrets, and writing."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import numpy
from numpy.typing import NDArray

from paddle_transfer.config.load import write_atomic
from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.samplers import tables
from paddle_transfer.samplers.base import PastTask
from paddle_transfer.samplers.gp.past_tasks import read_tasks
from paddle_transfer.space.space import Point

#: Where the published searches start.
BASELINE: Point = {"lr": 0.003, "l2_decay": 1e-4, "label_smoothing": False, "mixup": False}

#: A point this close to the best counts as found, beside what its noise allows (0..1).
REACH = 0.004


#: A list for validation has at least and less than so many images.
LEAST_SIZE, MOST_SIZE = 20, 2000


class Table(tables.Table):
    """A recorded grid with what replays need."""

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

    @cached_property
    def eval_size(self) -> int | None:
        """The images that its metric was measured on, as a search knows them: the least number of
        which all its accuracies are shares; None where there is none."""
        values = numpy.unique(self.curves)
        for size in range(LEAST_SIZE, MOST_SIZE):
            if numpy.abs(values * size - numpy.round(values * size)).max() < 0.002:
                return size
        return None

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
    """As ``samplers.tables.load_table``."""
    table = tables.load_table(path)
    return Table(table.name, table.space, table.curves)


def save_table(table: Table, path: str | Path, *, comments: Sequence[str] = ()) -> None:
    """Write ``table`` as CSV (gzipped for ``.gz``), with ``comments`` as ``#`` lines on top."""
    zipped = str(path).endswith(".gz")
    with gzip.open(path, "wt", newline="") if zipped else open(path, "w", newline="") as file:
        file.writelines(f"# {comment}\n" for comment in comments)
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*table.space.names, "seed", "epoch", "top1"])
        for i, point in enumerate(table.space.points()):
            for seed, curve in enumerate(table.curves[i]):
                writer.writerows([*point.values(), seed, epoch, f"{value:.6g}"]
                                 for epoch, value in enumerate(curve, start=1))


def write_tasks(path: str | Path, tasks: Iterable[PastTask], *, source: str) -> bool:
    """Write a prior file; ``source`` says where its numbers come from. Whether one was replaced.

    Raises PaddleTransferError if another file has the name.
    """
    replaces = os.path.lexists(path)
    if replaces:
        try:
            read_tasks(str(path))
        except PaddleTransferError:
            raise PaddleTransferError(f"{path}: is there already, and is no prior file. Choose "
                                      "another name") from None
    listed = [{"name": task.name, "names": list(task.points[0]),
               "points": [list(point.values()) for point in task.points],
               "values": [round(value, 3) for value in task.values]} for task in tasks]
    head = json.dumps({"source": source})[:-1]
    lines = ",\n".join(json.dumps(task) for task in listed)
    write_atomic(path, f"{head}, \"tasks\": [\n{lines}\n]}}\n")
    return replaces
