"""The share of the gap between the fixed point and the best one that searches close."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
from numpy.typing import NDArray

from benchmarks.measures import LEAST_GAP, closed
from benchmarks.methods import LeftOut, methods, run_method
from benchmarks.recorded import BASELINE, Table
from benchmarks.replay import Run
from benchmarks.truth import Values, shrunk

#: Trainings of our searches, and random searches a table.
TRIALS, RANDOM = 20, 200


def gains(tables: Sequence[Table]) -> dict[str, NDArray[numpy.float64]]:
    """Of every method the share of the gap between the fixed point and the best one that is closed
    after 1, 2, ... trainings: the mean over the tables that have a gap. Ours knows nothing of the
    table, its weights or its data; random search takes the best result so far, which after all
    points is that of the grid."""
    ours = methods(left_out=LeftOut(tables))["bayes"]
    shares: dict[str, list[list[float]]] = {"bayes": [], "random": []}
    for table in tables:
        values, fixed = shrunk(table), table.space.index(BASELINE)
        if values.max() - values[fixed] < LEAST_GAP:
            continue
        runs = run_method(table, ours, repeats=table.seeds, trials=TRIALS, fixed=BASELINE)
        shares["bayes"].append(_closed(values, fixed, [_padded(run) for run in runs]))
        draw = numpy.random.default_rng(0)
        rest = [i for i in range(table.space.size or 0) if i != fixed]
        shares["random"].append(_closed(values, fixed, [
            best_so_far(table, [fixed, *draw.permutation(rest)], seed=i % table.seeds)
            for i in range(RANDOM)]))
    return {name: numpy.mean(several, axis=0) for name, several in shares.items()}


def best_so_far(table: Table, order: Sequence[int], *, seed: int) -> list[int]:
    """The point with the best recorded result after each training of ``order``."""
    ends = table.curves[order, seed, -1]
    best, chosen = 0, []
    for i, end in enumerate(ends):
        best = i if end > ends[best] else best
        chosen.append(int(order[best]))
    return chosen


def _padded(run: Run) -> list[int]:
    return [*run.chosen, *[run.chosen[-1]] * (TRIALS - len(run.chosen))]


def _closed(values: Values, fixed: int, chosen: Sequence[Sequence[int]]) -> list[float]:
    regrets = (values.max() - values[numpy.array(chosen)]).mean(axis=0)
    return [closed(values, fixed, float(regret)) or 0.0 for regret in regrets]
