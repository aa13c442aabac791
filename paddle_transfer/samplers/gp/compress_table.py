"""Recorded tables as earlier tasks, small enough to ship."""

from __future__ import annotations

import numpy

from paddle_transfer.samplers.base import PastTask
from paddle_transfer.samplers.gp.dimension_prior import axis_of
from paddle_transfer.samplers.gp.metric_scale import log_odds, tail_length
from paddle_transfer.samplers.tables import Table
from paddle_transfer.space.space import Point


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
