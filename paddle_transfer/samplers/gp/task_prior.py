"""Earlier tasks as a prior of a new one.

A task is a recorded table or an earlier search: points with the log-odds of their metric. Some of
the model's sets of parameters take one of them as their mean each; a few results decide which of
them the new task resembles, or that it resembles none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy

from paddle_transfer.samplers.base import Observation, PastTask
from paddle_transfer.samplers.common import valid_observations
from paddle_transfer.samplers.gp.dimension_prior import Axis, axis_of
from paddle_transfer.samplers.gp.encoding import Array
from paddle_transfer.samplers.gp.hyperprior import Parameters, fitted
from paddle_transfer.samplers.gp.kernel import Prior, TaskFunction
from paddle_transfer.samplers.gp.metric_scale import log_odds, tail_length
from paddle_transfer.samplers.gp.training_data import compress_tail, training_data
from paddle_transfer.samplers.tables import Table
from paddle_transfer.space.space import Point, Space

#: The noise of a task's values, in log-odds: at its best point, and per unit below it.
CLOSE, LOOSE = 0.05, 0.3

#: An earlier search counts with at most so many points: its best.
_POINTS = 60


def past_task(name: str, space: Space, finished: Sequence[Observation]) -> PastTask | None:
    """An earlier search as a task; None when none of its trials is complete."""
    results = [o for o in valid_observations(space, finished) if o.state == "complete"]
    if not results:
        return None
    data = training_data(space, results)
    metric = data.metric(data.values)  # without compression
    values = (list(map(log_odds, metric)) if data.is_proportion
              else (metric - data.location) / data.spread)
    order = sorted(range(len(data.points)), key=lambda i: -data.values[i])[:_POINTS]
    return PastTask(name, tuple(data.points[i] for i in order),
                    tuple(float(values[i]) for i in order))


def compress_table(table: Table) -> PastTask:
    """Log-odds of the mean over seeds of the last tenth of the epochs, averaged over weak
    hyperparameters (L2 decay), so that 196 points become 28."""
    weak = {h.name for h in table.space.hyperparameters if axis_of(h).prior.weak}
    ends = table.curves[:, :, -tail_length(table.epochs):].mean(axis=(1, 2))
    groups: dict[str, tuple[Point, list[float]]] = {}
    for i, point in enumerate(table.space.points()):
        kept = {name: value for name, value in point.items() if name not in weak}
        groups.setdefault(repr(kept), (kept, []))[1].append(log_odds(float(ends[i])))
    return PastTask(table.name, tuple(kept for kept, _ in groups.values()),
                    tuple(float(numpy.mean(values)) for _, values in groups.values()))


def is_comparable(task: PastTask, space: Space) -> bool:
    """Whether at least two points of ``task`` have a meaning in ``space``."""
    return _function(task, tuple(map(axis_of, space.hyperparameters))) is not None


def task_functions(tasks: Sequence[PastTask], axes: tuple[Axis, ...]) -> list[TaskFunction]:
    """``tasks`` as functions of rows, without those that share no axis with the new search."""
    return [function for task in tasks if (function := _function(task, axes)) is not None]


def _function(task: PastTask, axes: tuple[Axis, ...]) -> TaskFunction | None:
    """``task`` as a function of rows, smooth between its points; None when it shares no axis with
    the new search."""
    names = set(task.points[0])
    shared = [i for i, axis in enumerate(axes) if axis.name in names]
    placed = [([axes[i].foreign_coordinate(point[axes[i].name]) for i in shared], value)
              for point, value in zip(task.points, task.values, strict=True)]
    placed = [(row, value) for row, value in placed if None not in row]
    if not shared or len(placed) < 2:
        return None
    known = numpy.array([row for row, _ in placed], dtype=float)
    values = compress_tail(numpy.array([value for _, value in placed]))  # as in the search
    prior = Prior(tuple(axes[i] for i in shared), _median(len(shared)))
    level = values.mean() - prior.mean(known)[0].mean()
    noise = numpy.diag((CLOSE + LOOSE * (values.max() - values)) ** 2)
    residuals = values - prior.mean(known)[0] - level
    weights = numpy.linalg.solve(prior.covariance(known, known)[0] + noise, residuals)

    def function(rows: Array) -> Array:
        mine = rows[:, shared]
        fitted: Array = (prior.mean(mine)[0] + level
                         + prior.covariance(mine, known)[0] @ weights)
        return fitted

    return function


def _median(axes: int) -> Parameters:
    """One set of parameters: the medians."""
    return {**{name: numpy.array([median]) for name, (median, _) in fitted().items()},
            "amplitudes": numpy.ones((1, axes))}
