"""The best point, and whether more trials are worth their cost.

After Makarova et al., "Automatic Termination for Hyperparameter Optimization" (2022): a search ends
when the expected gain is below the noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy

from paddle_transfer.samplers.base import (
    NOISE_SHARE,
    Observation,
    PastTask,
    PosteriorSummary,
)
from paddle_transfer.samplers.common import finished_keys, valid_observations
from paddle_transfer.samplers.gp import encoding
from paddle_transfer.samplers.gp.encoding import Array
from paddle_transfer.samplers.gp.hyperprior import Hyperprior
from paddle_transfer.samplers.gp.model import model_of
from paddle_transfer.samplers.gp.proposal import expected_gain, ranked
from paddle_transfer.samplers.gp.threads import one_thread
from paddle_transfer.space.space import Point, Space

#: A point is named before the baseline when its estimated lead is more than this many standard
#: deviations: the search must not end with less than it began with.
CAUTION = 0.5


@one_thread()
def posterior_summary(space: Space, finished: Sequence[Observation], *,
                      tasks: Sequence[PastTask] = (), seed: int = 0, eval_size: int | None = None,
                      gain: bool = True, baseline: Point | None = None,
                      hyperprior: Hyperprior | None = None) -> PosteriorSummary | None:
    """As ``PosteriorSampler.posterior``, with the tasks, the eval_size, the baseline and the
    hyperprior of ``SamplerContext``."""
    results = valid_observations(space, finished)
    complete = _candidates(space, results)
    if not complete:
        return None
    model = model_of(space, results, tasks=tasks, eval_size=eval_size, baseline=baseline,
                     hyperprior=hyperprior)
    tried = list(complete.values())
    rows = encoding.matrix(model.axes, tried)
    means, covariances = model.joint(rows)
    lead = model.weights @ means
    first = baseline is not None and space.contains(baseline) and space.key(baseline)
    if first and first in complete:
        lead = _cautious(model.weights, means, covariances, list(complete).index(first))
    winner = tried[ranked(lead)[0]]
    estimates = dict(zip(complete, map(float, model.data.metric(numpy.round(
        model.weights @ means, 9))), strict=True))
    most = float("inf")
    if gain:
        most = expected_gain(model, space, finished_keys(space, finished), winner, seed=seed,
                             count=len(finished))
    noise = model.noise
    return PosteriorSummary(winner, most, NOISE_SHARE * noise, noise, len(complete), estimates)


def _candidates(space: Space, results: Sequence[Observation]) -> dict[str, Point]:
    """The points that may win, by their keys: complete, and never diverged."""
    complete = {space.key(o.point): o.point for o in results if o.state == "complete"}
    for o in results:
        if o.state == "diverged":
            complete.pop(space.key(o.point), None)
    return complete


def _cautious(weights: Array, means: Array, covariances: Array, place: int) -> Array:
    """Each point's lead over the one at ``place``, less its doubt; 0 for that one itself."""
    leads = means - means[:, [place]]
    variances = (numpy.diagonal(covariances, axis1=1, axis2=2) + covariances[:, [place], place]
                 - 2.0 * covariances[:, :, place])
    mean = weights @ leads
    variance = weights @ (numpy.maximum(variances, 0.0) + leads ** 2) - mean ** 2
    cautious: Array = mean - CAUTION * numpy.sqrt(numpy.maximum(variance, 0.0))
    cautious[place] = 0.0
    return cautious
