"""Which point won, and whether going on is worth it.

After Makarova et al., "Automatic Termination for Hyperparameter Optimization" (2022): a search ends when what is
still to be gained is below what noise makes of it anyway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from paddle_transfer.samplers.base import Observation
from paddle_transfer.samplers.common import finished_keys
from paddle_transfer.samplers.gp import encoding
from paddle_transfer.samplers.gp.task_prior import PastTask
from paddle_transfer.samplers.gp.training_data import valid_observations
from paddle_transfer.space.space import Point, Space, finite

#: ``stop: auto`` ends no search before so many evaluated points,
LEAST_TRIALS = 7

#: and then when no untried point is expected to gain more than this share of a training's noise.
NOISE_SHARE = 0.4


@dataclass(frozen=True)
class PosteriorSummary:
    """``winner`` is the tried point with the largest posterior mean (noise taken away, so not the luckiest one),
    ``gain`` the largest expected improvement over it among untried points, in units of the metric, ``tolerance``
    the gain that is not worth a trial (0.4 points where accuracies are near 0.88), ``evaluated`` the number of
    points with a result. ``estimates`` are the posterior means of the points that may win, as metrics, by
    ``Space.key``: what a training is expected to end with, so a little below the best epoch that a trial reports."""

    winner: Point
    gain: float
    tolerance: float
    evaluated: int
    estimates: Mapping[str, float] = field(default_factory=dict)

    @property
    def enough(self) -> bool:
        """What ``stop: auto`` asks."""
        return self.evaluated >= LEAST_TRIALS and self.gain < self.tolerance


def posterior_summary(space: Space, finished: Sequence[Observation], *,
                      tasks: Sequence[PastTask] = (), seed: int = 0, eval_size: int | None = None,
                      gain: bool = True) -> PosteriorSummary | None:
    """What the finished trials tell; None while not one of them is complete.

    :param tasks: earlier tasks, as ``BayesSampler.tasks``
    :param eval_size: images that the metric is measured on; None: not known
    :param gain: False leaves out the gain, which takes seconds in a space of 100,000 points; it is infinite then
    """
    import numpy

    from paddle_transfer.samplers.gp.sampler import model_of

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
    tolerance = NOISE_SHARE * model.noise
    estimates = dict(zip(complete, map(float, model.learnt.metric(means))))
    most = _gain(space, finished, model, winner, seed=seed) if gain else float("inf")
    return PosteriorSummary(winner, most, tolerance, len(complete), estimates)


def _gain(space: Space, finished: Sequence[Observation], model, winner: Point, *,
          seed: int) -> float:
    """The largest expected improvement among untried points, in units of the metric; 0 when there is none."""
    import numpy
    taken = finished_keys(space, finished)
    if finite(space):
        shut = [space.index(o.point) for o in finished if space.contains(o.point)]
        rows = numpy.delete(encoding.table(model.axes, space), shut, axis=0)
    else:
        points = encoding.sampled(space, [winner], seed=seed, count=len(finished))
        rows = encoding.matrix(model.axes,
                               [point for point in points if space.key(point) not in taken])
    return float(model.improvement(rows).max()) if len(rows) else 0.0
