"""What the model of a search says, for people: each setting's effect, and which settings matter."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy

from paddle_transfer.samplers.base import Observation, PastTask
from paddle_transfer.samplers.common import valid_observations
from paddle_transfer.samplers.effects import LEAST, Effect, ModelView, PairEffect, values_of
from paddle_transfer.samplers.gp import encoding
from paddle_transfer.samplers.gp.encoding import Array
from paddle_transfer.samplers.gp.model import ModelAverage, model_of
from paddle_transfer.samplers.gp.threads import one_thread
from paddle_transfer.space.hyperparameter import Hyperparameter
from paddle_transfer.space.space import Point, Space

#: Points over which an importance is a mean.
BACKGROUND = 48
#: Results that the model is made of at most: n^3. Of more the best half, the others evenly.
MOST = 300


@one_thread()
def model_view(space: Space, finished: Sequence[Observation], best: Point, *,
               tasks: Sequence[PastTask] = (), eval_size: int | None = None,
               baseline: Point | None = None) -> ModelView | None:
    """The view of the model of ``finished``; None while there are too few complete points.

    :param best: the point that the effects start from
    :param tasks: earlier tasks, as in ``SamplerContext``
    Raises ValueError or ArithmeticError when there is no model.
    """
    results = valid_observations(space, finished)
    points = {space.key(one.point): one.state for one in results}
    if len(points) < LEAST or sum(state == "complete" for state in points.values()) < 2:
        return None
    if len(results) > MOST:
        ranked = sorted(results, key=lambda one: (one.value is None, -(one.value or 0.0)))
        half, rest = ranked[:MOST // 2], ranked[MOST // 2:]
        results = half + [rest[i * len(rest) // (MOST // 2)] for i in range(MOST // 2)]
    model = model_of(space, results, tasks=tasks, eval_size=eval_size, baseline=baseline)
    importance = _importance(model, space)
    strongest = sorted(importance, key=lambda name: -importance[name][0])
    effects = {h.name: _effect(model, space, best, h) for h in space.hyperparameters}
    pair = _pair(model, space, best, strongest[:2]) if len(strongest) > 1 else None
    return ModelView(tuple(effects[name] for name in strongest), importance, pair,
                     model.noise)


def _effect(model: ModelAverage, space: Space, best: Point, h: Hyperparameter) -> Effect:
    values = values_of(h)
    points = [space.canonical({**best, h.name: value}) for value in values]
    means, deviations = model.predict(encoding.matrix(model.axes, points))
    mean = model.weights @ means
    deviation = numpy.sqrt(numpy.maximum(
        model.weights @ (deviations ** 2 + means ** 2) - mean ** 2, 0.0))
    return Effect(h.name, values, *(tuple(map(float, model.data.metric(one)))
                                    for one in (mean, mean - deviation, mean + deviation)))


def _pair(model: ModelAverage, space: Space, best: Point, names: Sequence[str]) -> PairEffect:
    first, second = (values_of(space[name]) for name in names)
    points = [space.canonical({**best, names[0]: one, names[1]: other})
              for other in second for one in first]
    mean = model.data.metric(model.mean(encoding.matrix(model.axes, points)))
    rows = mean.reshape(len(second), len(first))
    return PairEffect((names[0], names[1]), (first, second),
                      tuple(tuple(map(float, row)) for row in rows))


def _importance(model: ModelAverage, space: Space) -> dict[str, tuple[float, float]]:
    """First-order shares of the variance (Sobol 1993), of the model's mean, on its own scale."""
    rng = Random("importance")
    background = [space.sample(rng) for _ in range(BACKGROUND)]
    whole = model.predict(encoding.matrix(model.axes, background))[0]
    alone = {}
    for h in space.hyperparameters:
        values = values_of(h)
        points = [space.canonical({**point, h.name: value})
                  for value in values for point in background]
        means = model.predict(encoding.matrix(model.axes, points))[0]
        of_value = means.reshape(len(means), len(values), BACKGROUND).mean(axis=2)
        alone[h.name] = of_value.var(axis=1)
    together = numpy.sum(numpy.stack(list(alone.values())), axis=0)
    total = numpy.maximum(whole.var(axis=1), together)
    return {name: _weighted(model.weights, variance / numpy.maximum(total, 1e-12))
            for name, variance in alone.items()}


def _weighted(weights: Array, shares: Array) -> tuple[float, float]:
    mean = float(weights @ shares)
    return mean, float(numpy.sqrt(max(0.0, float(weights @ (shares - mean) ** 2))))
