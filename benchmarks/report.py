"""Many replays of one method on one table, in numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy

from benchmarks.measures import (
    below_fixed,
    closed,
    first_within_reach,
    grid_regret,
    true_regret,
    wrongly_stopped,
)
from benchmarks.methods import Method
from benchmarks.recorded import Table
from benchmarks.replay import Run
from benchmarks.truth import shrunk
from paddle_transfer.space.space import Point


@dataclass(frozen=True)
class Summary:
    """One line of ``--json``. Regrets in points (percent), null where a method has no such number.

    ``epochs_saved``: share of the epochs of all trials that pruning spared; ``wrongly_stopped``:
    share of searches in which it stopped what would have won; ``regret_grid``: mean regret after
    one training of every point (see ``wrongly_stopped``, ``grid_regret`` in ``measures``).

    ``true_4``, ``true_10``, ``true_20``: regret after so many trainings, on true values
    (``benchmarks.truth``), with ``error_...``, its standard error over searches; a method that ends
    sooner keeps its choice. ``closed_...``: the share of the gap between the fixed point and the
    best one that is closed then; the ``raw`` ones on plain means; ``..._grid`` after one training
    of every point with one seed, ``..._grid_smoothed`` if it chooses by means over L2 decay. Null
    without a fixed point, and where the gap is below ``LEAST_GAP``. ``below_fixed``: the share of
    searches whose choice was ever worse than the fixed point by more than one standard error of
    their difference.
    """

    table: str
    method: str
    repeats: int
    trials_median: float
    trials_p90: float
    epochs_share_median: float
    regret_5: float | None
    regret_10: float | None
    regret_12: float | None
    regret_20: float | None
    stop_trials_median: float | None
    stop_regret_mean: float | None
    seconds_per_ask: float
    epochs_saved: float
    wrongly_stopped: float
    regret_grid: float
    closed_4: float | None
    closed_10: float | None
    closed_20: float | None
    raw_closed_4: float | None
    raw_closed_10: float | None
    raw_closed_20: float | None
    below_fixed: float | None
    closed_grid: float | None
    closed_grid_smoothed: float | None
    raw_closed_grid: float | None
    true_4: float | None
    true_10: float | None
    true_20: float | None
    error_4: float | None
    error_10: float | None
    error_20: float | None
    workers: int = 1

    def json(self) -> str:
        return json.dumps({name: round(value, 5) if isinstance(value, float) else value
                           for name, value in asdict(self).items()})


#: Numbers of trainings after which a choice is judged.
AFTER = (4, 10, 20)


def summarise(table: Table, method: Method, runs: Sequence[Run], *, trials: int,
              fixed: Point | None = None, workers: int = 1) -> Summary:
    """``runs`` in numbers. A search that never came within reach counts as ``trials`` + 1, with all
    its epochs."""
    firsts = [first_within_reach(table, run) for run in runs]
    reached = [first or trials + 1 for first in firsts]
    whole = table.space.size * table.epochs
    share = [run.epochs[(first or len(run.epochs)) - 1] / whole
             for first, run in zip(firsts, runs, strict=True)]
    saved = [1.0 - run.epochs[-1] / (len(run.epochs) * table.epochs) for run in runs]
    regrets = {f"regret_{after}": _percent(
        true_regret(table.truth, runs, after)[0] if after <= trials else None)
        for after in (5, 10, 12, 20)}
    return Summary(
        table=table.name, method=method.name, repeats=len(runs), workers=workers,
        trials_median=float(numpy.median(reached)), trials_p90=float(numpy.percentile(reached, 90)),
        epochs_share_median=float(numpy.median(share)), **regrets, **_own_stop(table, runs),
        seconds_per_ask=float(numpy.mean([second for run in runs for second in run.seconds])),
        epochs_saved=float(numpy.mean(saved)),
        wrongly_stopped=float(numpy.mean([wrongly_stopped(table, run) for run in runs])),
        regret_grid=100 * grid_regret(table, table.truth),
        **_against_gap(table, runs, trials, None if fixed is None else table.space.index(fixed)))


def _own_stop(table: Table, runs: Sequence[Run]) -> dict[str, float | None]:
    """Trials and regret where the method itself would have ended; None where none would."""
    if all(run.stop is None for run in runs):
        return {"stop_trials_median": None, "stop_regret_mean": None}
    ends = [run.stop or len(run.chosen) for run in runs]
    left = [table.regrets[run.chosen[end - 1]] for end, run in zip(ends, runs, strict=True)]
    return {"stop_trials_median": float(numpy.median(ends)),
            "stop_regret_mean": 100 * float(numpy.mean(left))}


def _against_gap(table: Table, runs: Sequence[Run], trials: int,
                 fixed: int | None) -> dict[str, float | None]:
    """The numbers on true values, and the shares of the gap."""
    true, found = shrunk(table), {}
    for after in AFTER:
        regret, error = true_regret(true, runs, after)
        raw, _ = true_regret(table.truth, runs, after)
        known, gap = after <= trials, after <= trials and fixed is not None
        found[f"true_{after}"] = _percent(regret if known else None)
        found[f"error_{after}"] = _percent(error if known else None)
        found[f"closed_{after}"] = closed(true, fixed, regret) if gap else None
        found[f"raw_closed_{after}"] = closed(table.truth, fixed, raw) if gap else None
    for name, values, smoothed in (("closed_grid", true, False),
                                   ("closed_grid_smoothed", true, True),
                                   ("raw_closed_grid", table.truth, False)):
        found[name] = None if fixed is None else closed(
            values, fixed, grid_regret(table, values, smoothed=smoothed))
    found["below_fixed"] = None if fixed is None else below_fixed(table, true, fixed, runs)
    return found


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
