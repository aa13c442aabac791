"""What earlier tasks tell about a new one.

A task is a number (log-odds of its metric) for each of some points: a recorded table, or an earlier search. The new
task is expected to be their mean plus a little of each one's deviation from it, so a few results decide which of
them it resembles. ``bayes`` weighs that against models without it, by the evidence and less with every point.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.samplers.base import Observation
from paddle_transfer.samplers.gp.dimension_prior import Axis
from paddle_transfer.samplers.gp.metric_scale import log_odds
from paddle_transfer.samplers.gp.training_data import compress_tail, learn_from, valid_observations
from paddle_transfer.space.space import Point, Space

#: The tasks that ship with the package, made by ``python tools/benchmark.py distil``.
SHIPPED = Path(__file__).with_name("prior.json")

#: How closely a task is followed, in log-odds: at its best point, and per unit below it.
CLOSE, LOOSE = 0.05, 0.3

#: An earlier search counts with at most so many points: its best.
_POINTS = 60


@dataclass(frozen=True)
class PastTask:
    """``values`` are log-odds (of other metrics than shares: standardised), to be maximised, of ``points`` (of any
    space: what names both share is used)."""

    name: str
    points: tuple[Point, ...]
    values: tuple[float, ...]


def past_task(name: str, space: Space, finished: Sequence[Observation]) -> PastTask | None:
    """An earlier search as a task; None when nothing in it was finished."""
    results = [o for o in valid_observations(space, finished) if o.state == "complete"]
    if not results:
        return None
    learnt = learn_from(space, results)
    metric = learnt.metric(learnt.values)  # as it is, nothing drawn together
    values = list(map(log_odds,
                      metric)) if learnt.is_proportion else (metric - learnt.middle) / learnt.spread
    order = sorted(range(len(learnt.points)), key=lambda i: -learnt.values[i])[:_POINTS]
    return PastTask(name, tuple(learnt.points[i] for i in order),
                    tuple(float(values[i]) for i in order))


@lru_cache(maxsize=1)
def shipped() -> tuple[PastTask, ...]:
    """The tasks in ``SHIPPED``; none when the file is missing."""
    return read_tasks(SHIPPED) if SHIPPED.exists() else ()


def read_tasks(path) -> tuple[PastTask, ...]:
    """The tasks of a prior file.

    :raises PaddleTransferError: when it is none
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        return tuple(
            PastTask(task["name"], tuple(
                dict(zip(task["names"], point))
                for point in task["points"]), tuple(map(float, task["values"])))
            for task in data["tasks"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PaddleTransferError(
            f"{path}: not a prior file ({error!r}). "
            "python tools/benchmark.py distil makes one from recorded tables.") from None


def write_tasks(path, tasks: Iterable[PastTask], *, source: str) -> None:
    """Write a prior file; ``source`` says where its numbers come from."""
    listed = [{
        "name": task.name, "names": list(task.points[0]),
        "points": [list(p.values())
                   for p in task.points], "values": [round(value, 3)
                                                     for value in task.values]
    }
              for task in tasks]
    head = json.dumps({"source": source})[:-1]
    lines = ",\n".join(json.dumps(task) for task in listed)
    Path(path).write_text(f"{head}, \"tasks\": [\n{lines}\n]}}\n", encoding="utf-8")


class Tasks:
    """Past tasks as functions on the rows of a new search's axes."""

    def __init__(self, tasks: Sequence[PastTask], axes: tuple[Axis, ...]):
        self._fits = [fit for fit in (_fit(task, axes) for task in tasks) if fit is not None]
        self._cache: dict[bytes, numpy.ndarray] = {}

    def __bool__(self) -> bool:
        return bool(self._fits)

    def mean(self, rows):
        return self._values(rows).mean(axis=1)

    def deviations(self, rows):
        """One column per task; their products' sums are the covariance of a new task among them."""
        values = self._values(rows)
        return (values - values.mean(axis=1, keepdims=True)) / math.sqrt(values.shape[1])

    def _values(self, rows):
        import numpy
        key = rows.tobytes()
        if key not in self._cache:
            if len(self._cache) > 8:
                self._cache.clear()
            self._cache[key] = numpy.stack([fit(rows) for fit in self._fits], axis=1)
        return self._cache[key]


def _fit(task: PastTask, axes: tuple[Axis, ...]):
    """``task`` as a function of rows, smooth between its points; None when it shares no axis with the new search."""
    import numpy

    from paddle_transfer.samplers.gp.kernel import Kernel

    names = set(task.points[0])
    shared = [i for i, axis in enumerate(axes) if axis.name in names]
    placed = [([axes[i].foreign(point[axes[i].name]) for i in shared], value)
              for point, value in zip(task.points, task.values)]
    placed = [(row, value) for row, value in placed if None not in row]
    if not shared or len(placed) < 2:
        return None
    known = numpy.array([row for row, _ in placed], dtype=float)
    values = compress_tail(numpy.array(
        [value for _, value in placed]))  # as those of the search are
    structure = Kernel(tuple(axes[i] for i in shared), joint=0.0)
    level = values.mean() - structure.mean(known).mean()
    kernel = structure.signal(known, known) + numpy.diag(
        (CLOSE + LOOSE * (values.max() - values)) ** 2)
    weights = numpy.linalg.solve(kernel, values - structure.mean(known) - level)

    def function(rows):
        mine = rows[:, shared]
        return structure.mean(mine) + level + structure.signal(mine, known) @ weights

    return function
