"""Many replays of one method on one table, in numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy

from benchmarks.peers import GpSearcher, OptunaSearcher, SkoptSearcher
from benchmarks.recorded import Table
from benchmarks.replay import Run, SamplerSearcher, Searcher, replay
from benchmarks.truth import Values, shrunk
from paddle_transfer.errors import PaddleTransferError, did_you_mean
from paddle_transfer.pruners.registry import make_pruner
from paddle_transfer.registry import Component
from paddle_transfer.samplers.base import PastTask
from paddle_transfer.samplers.gp.past_tasks import shipped
from paddle_transfer.settings.budget import DEFAULT_PRUNER
from paddle_transfer.space.space import Point

#: A smaller gap between the fixed point and the best one is no gap (0..1).
LEAST_GAP = 0.01


@dataclass(frozen=True)
class Method:
    """``make(table, fixed, seed)`` builds one search. ``seeded``: two study seeds give different
    searches (ours draws nothing at random where points can be listed, so one replay per recorded
    seed says it all)."""

    name: str
    make: Callable[[Table, Point | None, int], Searcher]
    seeded: bool = True


@dataclass(frozen=True)
class Summary:
    """One line of ``--json``. Regrets in points (percent), null where a method has no such number.

    ``epochs_saved``: share of the epochs of all trials that pruning spared; ``wrongly_stopped``:
    share of searches in which it stopped what would have won; ``regret_grid``: mean regret after
    one training of every point (see ``wrongly_stopped``, ``regret_of_grid``).

    ``closed_4``, ``closed_10``, ``closed_20``: the share of the gap between the fixed point and the
    best one that is closed after so many trainings, on true values (``benchmarks.truth``); the
    ``raw`` ones on plain means. Null without a fixed point, and where the gap is below
    ``LEAST_GAP``. ``below_fixed``: the share of searches whose choice was ever worse than the fixed
    point by more than one standard error of their difference.
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

    def json(self) -> str:
        return json.dumps({name: round(value, 5) if isinstance(value, float) else value
                           for name, value in asdict(self).items()})


def others(tasks: Sequence[PastTask], table: Table) -> tuple[PastTask, ...]:
    """``tasks`` without the table itself: what is learnt is only ever judged on what it was not
    learnt from."""
    return tuple(task for task in tasks if task.name != table.name)


def methods(*, acquisition: str = "kg",
            tasks: Sequence[PastTask] | None = None) -> dict[str, Method]:
    """All methods by name. ``tasks``: what ``bayes_prior`` learns from, default what ships with the
    package."""
    def bayes(table, fixed, seed, *, pruner=DEFAULT_PRUNER, tasks=(), repeats=False):
        return SamplerSearcher(table.space, fixed=fixed, seed=seed, repeats=repeats,
                               acquisition=acquisition, tasks=tasks, epochs=table.epochs,
                               pruner=make_pruner(Component(pruner), epochs=table.epochs))

    def bayes_prior(table, fixed, seed):
        return bayes(table, fixed, seed, tasks=others(shipped() if tasks is None else tasks, table))

    listed = (
        Method("bayes", bayes, seeded=False),
        Method("bayes_prior", bayes_prior, seeded=False),
        Method("bayes_unpruned", lambda t, fixed, seed: bayes(t, fixed, seed, pruner="none"),
               seeded=False),
        Method("bayes_repeats", lambda t, fixed, seed: bayes(t, fixed, seed, repeats=True),
               seeded=False),
        Method(
            "random",
            lambda t, fixed, seed: SamplerSearcher(t.space, mode="random", fixed=fixed, seed=seed)),
        Method(
            "random_pruned", lambda t, fixed, seed: SamplerSearcher(
                t.space, mode="random", fixed=fixed, seed=seed, epochs=t.epochs, pruner=make_pruner(
                    Component(DEFAULT_PRUNER), epochs=t.epochs))),
        Method("skopt", lambda t, fixed, seed: SkoptSearcher(t.space, fixed=fixed, seed=seed)),
        Method("gp", lambda t, fixed, seed: GpSearcher(t.space, fixed=fixed, seed=seed)),
        Method(
            "tpe", lambda t, fixed, seed: OptunaSearcher(t.space, fixed=fixed, seed=seed, epochs=t.
                                                         epochs)),
        Method(
            "hyperband", lambda t, fixed, seed: OptunaSearcher(t.space, fixed=fixed, seed=seed,
                                                               epochs=t.epochs, hyperband=True)),
    )
    return {method.name: method for method in listed}


def find_methods(names: Sequence[str], known: dict[str, Method]) -> list[Method]:
    for name in names:
        if name not in known:
            raise PaddleTransferError(
                f"--method: there is no '{name}'. {did_you_mean(name, list(known))}")
    return [known[name] for name in names] or list(known.values())


def run_method(table: Table, method: Method, *, repeats: int, trials: int, fixed: Point | None,
               workers: int = 1) -> list[Run]:
    """``repeats`` searches; number ``i`` sees recorded seed ``i`` modulo their number, and has
    study seed ``i``."""
    runs: list[Run] = []
    for i in range(repeats):
        if not method.seeded and i >= table.seeds:
            runs.append(runs[i % table.seeds])
            continue
        searcher = method.make(table, fixed, i)
        runs.append(
            replay(table, searcher, recorded_seed=i % table.seeds, trials=trials, workers=workers))
    return runs


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


def regret_of_grid(table: Table) -> float:
    """The true regret (0..1) of what the whole grid would choose: the best of all points after one
    training of each with the same seed. The mean over the seeds; best points that tie count
    equally."""
    ends = table.curves[:, :, -1]
    return float(numpy.mean([table.regrets[of_seed == of_seed.max()].mean() for of_seed in ends.T]))


def closed(values: Values, fixed: int, runs: Sequence[Run], after: int) -> float | None:
    """The mean share of the gap between the fixed point and the best of ``values`` that the choice
    after ``after`` trainings closes; None where there is no gap, or were fewer trainings."""
    gap = values.max() - values[fixed]
    if gap < LEAST_GAP or after > max(len(run.chosen) for run in runs):
        return None
    return float(numpy.mean([(values[run.chosen[min(after, len(run.chosen)) - 1]] - values[fixed])
                             / gap for run in runs]))


def below_fixed(table: Table, values: Values, fixed: int, runs: Sequence[Run]) -> float:
    """The share of ``runs`` whose choice was ever worse than the fixed point by more than one
    standard error of the difference of two points."""
    least = values[fixed] - numpy.sqrt(2.0) * table.noise
    return float(numpy.mean([values[run.chosen].min() < least for run in runs]))


def summarise(table: Table, method: Method, runs: Sequence[Run], *, trials: int,
              fixed: Point | None = None) -> Summary:
    """``runs`` in numbers. A search that never came within reach counts as ``trials`` + 1, with all
    its epochs."""
    firsts = [first_within_reach(table, run) for run in runs]
    whole = table.space.size * table.epochs
    share = [run.epochs[(first or len(run.epochs)) - 1] / whole
             for first, run in zip(firsts, runs, strict=True)]
    stops = [run.stop for run in runs]
    regrets = table.regrets * 100

    def regret(after: int) -> float | None:
        if after > trials:
            return None
        return float(
            numpy.mean([regrets[run.chosen[min(after, len(run.chosen)) - 1]] for run in runs]))

    start, true = None if fixed is None else table.space.index(fixed), shrunk(table)
    shares = [None if start is None else closed(values, start, runs, after)
              for values in (true, table.truth) for after in (4, 10, 20)]
    stopped = any(stop is not None for stop in stops)
    ends = [stop or len(run.chosen) for stop, run in zip(stops, runs, strict=False)]
    return Summary(
        table=table.name, method=method.name, repeats=len(runs), trials_median=float(
            numpy.median([first or trials + 1 for first in firsts])), trials_p90=float(
                numpy.percentile([first or trials + 1 for first in firsts],
                                 90)), epochs_share_median=float(numpy.median(share)),
        regret_5=regret(5), regret_10=regret(10), regret_12=regret(12), regret_20=regret(20),
        stop_trials_median=float(numpy.median(ends)) if stopped else None, stop_regret_mean=float(
            numpy.mean([regrets[run.chosen[end - 1]] for end, run in zip(ends, runs, strict=True)]))
        if stopped else None, seconds_per_ask=float(
            numpy.mean([second for run in runs for second in run.seconds])), epochs_saved=float(
                numpy.mean([
                    1.0 - run.epochs[-1] / (len(run.epochs) * table.epochs) for run in runs
                ])), wrongly_stopped=float(numpy.mean([wrongly_stopped(table, run) for run in runs
                                                       ])), regret_grid=100 * regret_of_grid(table),
        closed_4=shares[0], closed_10=shares[1], closed_20=shares[2], raw_closed_4=shares[3],
        raw_closed_10=shares[4], raw_closed_20=shares[5],
        below_fixed=None if start is None else below_fixed(table, true, start, runs))
