"""What one or many searches on a table came to, a number each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy

from benchmarks.recorded import Table
from benchmarks.replay import Run
from benchmarks.truth import Values, groups_of

#: A smaller gap between the fixed point and the best one is no gap (0..1).
LEAST_GAP = 0.01


def first_within_reach(table: Table, run: Run) -> int | None:
    """The trial (from 1) that first tried a point within reach of the best, to its last epoch; None
    when none did."""
    reach = table.within_reach
    return next((i + 1 for i, point in enumerate(run.whole) if point is not None and reach[point]),
                None)


def wrongly_stopped(table: Table, run: Run) -> bool:
    """Whether a trial was stopped that would have won: whose recorded training, with the seed that
    the search saw, ends above all that were finished."""
    ends = table.curves[:, run.recorded_seed, -1]
    best = max((ends[point] for point in run.whole if point is not None), default=-numpy.inf)
    return any(whole is None and ends[point] > best
               for point, whole in zip(run.points, run.whole, strict=True))


def true_regret(values: Values, runs: Sequence[Run], after: int) -> tuple[float, float | None]:
    """The mean over ``runs`` of the regret (0..1, by ``values``) of the choice after ``after``
    trainings, or after its last one where a method ended sooner; and its standard error: the
    standard deviation over different searches by the root of their number, None where there is
    one."""
    different = list({id(run): run for run in runs}.values())
    regrets = values.max() - numpy.array([
        values[run.chosen[min(after, len(run.chosen)) - 1]] for run in different])
    error = regrets.std(ddof=1) / numpy.sqrt(len(regrets)) if len(regrets) > 1 else None
    return float(regrets.mean()), None if error is None else float(error)


def closed(values: Values, fixed: int, regret: float) -> float | None:
    """The share of the gap between the fixed point and the best of ``values`` that is closed where
    ``regret`` is left; None where there is no gap."""
    gap = float(values.max() - values[fixed])
    return None if gap < LEAST_GAP else 1.0 - regret / gap


def grid_regret(table: Table, values: Values, *, smoothed: bool = False) -> float:
    """The regret (0..1, by ``values``) of what the whole grid would choose, after one training of
    every point with the same seed: the mean over the seeds; best points that tie count equally.

    :param smoothed: it chooses by means over the points that differ in weak settings only
    """
    regrets = values.max() - values
    ends = numpy.asarray(table.curves[:, :, -1], dtype=float)
    if smoothed:
        groups = groups_of(table)[0]
        sums = numpy.zeros((groups.max() + 1, ends.shape[1]))
        numpy.add.at(sums, groups, ends)
        ends = (sums / numpy.bincount(groups)[:, None])[groups]
    return float(numpy.mean([regrets[one >= one.max() - 1e-12].mean() for one in ends.T]))


def below_fixed(table: Table, values: Values, fixed: int, runs: Sequence[Run]) -> float:
    """The share of ``runs`` whose choice was ever worse than the fixed point by more than one
    standard error of the difference of two points."""
    least = values[fixed] - numpy.sqrt(2.0) * table.noise
    return float(numpy.mean([values[run.chosen].min() < least for run in runs]))
