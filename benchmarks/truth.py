"""The true values of a recorded table, without the luck of its best points.

The best of 196 noisy means is a lucky one: a search that finds the truly best point would seem to
miss it. So each point is drawn towards the mean of the points that differ from it in a weak
setting only (L2 decay), by as much as noise explains their differences: a model with a random
effect per point within its group, its variances pooled over the points of one learning rate
(James & Stein 1961; the variances by moments, as in a one-way analysis of variance).
``tests/benchmarks/test_truth.py`` checks it on seeds that were left out.
"""

from __future__ import annotations

import numpy
from numpy.typing import NDArray

from paddle_transfer.samplers.gp.dimension_prior import axis_of
from paddle_transfer.samplers.tables import Table

Values = NDArray[numpy.float64]


def shrunk(table: Table) -> Values:
    """The value of every point; the mean over its seeds where a table has one seed, or no weak
    setting."""
    ends = numpy.asarray(table.curves[:, :, -1], dtype=float)
    groups, rates = groups_of(table)
    if ends.shape[1] < 2 or len(set(groups)) == len(groups):
        return ends.mean(axis=1)
    noise, twins = numpy.zeros(len(ends)), numpy.zeros(len(ends))
    means, centre = ends.mean(axis=1), numpy.zeros(len(ends))
    for group in set(groups):
        mine = groups == group
        noise[mine], twins[mine] = _variances(ends[mine])
        centre[mine] = means[mine].mean()
    kept = numpy.zeros(len(ends))
    for rate in set(rates):
        mine = rates == rate
        between = max(0.0, twins[mine].mean() - noise[mine].mean() / ends.shape[1])
        kept[mine] = between / (between + noise[mine].mean() / ends.shape[1] + 1e-12)
    values: Values = centre + kept * (means - centre)
    return values


def groups_of(table: Table) -> tuple[NDArray[numpy.intp], NDArray[numpy.intp]]:
    """The group of each point, and its value of the strong setting, as numbers."""
    axes = [axis_of(h) for h in table.space.hyperparameters]
    kept = [axis.name for axis in axes if not axis.prior.weak]
    strong = [axis.name for axis in axes if axis.prior.strong]
    points = list(table.space.points())

    def numbered(names: list[str]) -> NDArray[numpy.intp]:
        keys = [repr([point[name] for name in names]) for point in points]
        return numpy.unique(keys, return_inverse=True)[1]

    return numbered(kept), numbered(strong)


def _variances(ends: Values) -> tuple[float, float]:
    """Of one group [points, seeds]: the variance of a training around its point beside what all of
    the group share with its seed, and the variance of the points' means."""
    own = ends - ends.mean(axis=1, keepdims=True) - ends.mean(axis=0) + ends.mean()
    points, seeds = ends.shape
    if points < 2:
        return 0.0, 0.0
    return (float((own ** 2).sum() / ((points - 1) * (seeds - 1))),
            float(ends.mean(axis=1).var(ddof=1)))
