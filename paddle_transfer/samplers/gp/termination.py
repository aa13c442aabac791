"""The best point, and whether more trials are worth their cost.

After Makarova et al., "Automatic Termination for Hyperparameter Optimization" (2022): a search ends
when the expected gain is below the noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy

from paddle_transfer.samplers.base import Observation, PastTask, PosteriorSummary
from paddle_transfer.samplers.common import finished_keys, valid_observations
from paddle_transfer.samplers.gp import encoding
from paddle_transfer.samplers.gp.model import ModelAverage, model_of
from paddle_transfer.samplers.gp.proposal import expected_improvement
from paddle_transfer.space.space import Point, Space, finite

#: ``stop: auto`` ends a search when no untried point is expected to gain more than this share of a
#: training's noise.
NOISE_SHARE = 0.4


def posterior_summary(space: Space, finished: Sequence[Observation], *,
                      tasks: Sequence[PastTask] = (), seed: int = 0, eval_size: int | None = None,
                      gain: bool = True) -> PosteriorSummary | None:
    """As ``PosteriorSampler.posterior``, with the tasks and the eval_size of ``SamplerContext``."""
    results = valid_observations(space, finished)
    complete = {space.key(o.point): o.point for o in results if o.state == "complete"}
    for o in results:
        if o.state == "diverged":
            complete.pop(space.key(o.point), None)
    if not complete:
        return None
    model = model_of(space, results, tasks=tasks, eval_size=eval_size)
    tried = list(complete.values())
    means = numpy.round(model.mean(encoding.matrix(model.axes, tried)), 9)
    winner = tried[int(numpy.argmax(means))]
    estimates = dict(zip(complete, map(float, model.data.metric(means)), strict=True))
    most = _expected_gain(space, finished, model, winner, seed=seed) if gain else float("inf")
    return PosteriorSummary(winner, most, NOISE_SHARE * model.noise, len(complete), estimates)


def _expected_gain(space: Space, finished: Sequence[Observation], model: ModelAverage,
                   winner: Point, *, seed: int) -> float:
    """The largest expected improvement among untried points, in units of the metric; 0 when there
    is none."""
    if finite(space):
        tried = [space.index(o.point) for o in finished if space.contains(o.point)]
        rows = numpy.delete(encoding.table(model.axes, space), tried, axis=0)
    else:
        taken = finished_keys(space, finished)
        points = encoding.sampled(space, [winner], seed=seed, count=len(finished))
        rows = encoding.matrix(model.axes, [p for p in points if space.key(p) not in taken])
    return float(expected_improvement(model, rows).max()) if len(rows) else 0.0
