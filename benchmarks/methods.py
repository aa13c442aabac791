"""The methods that replays compare, by name: ours and its peers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from benchmarks.fit_prior import fit
from benchmarks.gp_peers import BotorchSearcher, GpMeanSearcher, GpSearcher
from benchmarks.kinship import akin, unlike
from benchmarks.peers import HeboSearcher, OptunaSearcher, SkoptSearcher
from benchmarks.published import DEFAULTS, HYPERRULE, PublishedSearcher
from benchmarks.range_test import TABLES, load_tasks, offset
from benchmarks.recorded import Table
from benchmarks.replay import Run, SamplerSearcher, Searcher, replay
from paddle_transfer.errors import PaddleTransferError, did_you_mean
from paddle_transfer.progress import tracked
from paddle_transfer.pruners.curve import CurvesPruner
from paddle_transfer.pruners.registry import make_pruner
from paddle_transfer.registry import Component
from paddle_transfer.samplers.base import PastTask
from paddle_transfer.samplers.gp.hyperprior import ANY_RATE, Hyperprior, fitted
from paddle_transfer.samplers.gp.past_tasks import shipped
from paddle_transfer.samplers.gp.task_prior import compress_table
from paddle_transfer.settings.budget import DEFAULT_PRUNER
from paddle_transfer.space.space import Point

#: What ``bayes_range`` believes of the best rate: by this statistic of a range test, with the
#: standard deviation (decades) that one has between tasks and seeds (docs/benchmarks/).
RANGE_STATISTIC, RANGE_SPREAD = "half descent to start", 0.4


@dataclass(frozen=True)
class Method:
    """``make(table, fixed, seed)`` builds one search. ``seeded``: two study seeds give different
    searches (ours draws nothing at random where points can be listed, so one replay per recorded
    seed says it all). ``extra``: it needs a package that this project does not, or what not every
    table has, and runs only where it is named."""

    name: str
    make: Callable[[Table, Point | None, int], Searcher]
    seeded: bool = True
    extra: bool = False


class LeftOut:
    """What is learnt from ``tables``, for each of them from those that share neither weights nor
    data with it."""

    def __init__(self, tables: Sequence[Table]):
        self._tables = tables
        self._fitted: dict[tuple[str, ...], Hyperprior] = {}

    def hyperprior(self, table: Table) -> Hyperprior:
        """As the shipped one, fitted to the others."""
        rest = unlike(self._tables, table)
        names = tuple(one.name for one in rest)
        if names not in self._fitted:
            self._fitted[names] = {**fit(rest), "peak": ANY_RATE}
        return self._fitted[names]

    def tasks(self, table: Table) -> tuple[PastTask, ...]:
        """The others as earlier tasks, as those that ship with the package."""
        return tuple(replace(compress_table(one), alike=False)
                     for one in unlike(self._tables, table))


def others(tasks: Sequence[PastTask], table: Table) -> tuple[PastTask, ...]:
    """``tasks`` without the table itself: what is learnt is only ever judged on what it was not
    learnt from."""
    return tuple(task for task in tasks if task.name != table.name)


def turned(task: PastTask) -> PastTask:
    """``task`` with its learning rates turned round: what was true of the largest is said of the
    smallest."""
    rates = sorted({point["lr"] for point in task.points if "lr" in point})
    mirror = dict(zip(rates, reversed(rates), strict=True))
    return replace(task, points=tuple({**point, "lr": mirror[point["lr"]]} if "lr" in point else
                                      point for point in task.points))


def told_rate(table: Table, seed: int) -> float:
    """Where a range test sees the best rate of ``table``, in decades from the middle of its axis.
    The statistic's offset is that of recorded tasks which share neither weights nor data with it.

    :raises PaddleTransferError: no range test of the task is recorded
    """
    tasks = {task.name: task for task in load_tasks(TABLES)}
    if table.name not in tasks:
        raise PaddleTransferError(f"bayes_range: there is no range test of {table.name} "
                                  f"(benchmarks/tables/{table.name}/features.json)")
    told = tasks[table.name]
    seen = told.predictions[RANGE_STATISTIC]
    shift = offset(RANGE_STATISTIC, [task for task in tasks.values()
                                     if not akin(task.name, table.name)])
    return float(seen[seed % len(seen)] + shift - (told.logs[0] + told.logs[-1]) / 2)


def methods(*, acquisition: str = "kg", tasks: Sequence[PastTask] | None = None,
            left_out: LeftOut | None = None) -> dict[str, Method]:
    """All methods by name. ``tasks``: what ``bayes_prior`` learns from, default what ships with the
    package; ``bayes_turned`` learns the same with the rates ``turned``. With ``left_out`` all of
    ours know only what it says."""
    def learnt(table):
        if left_out is not None:
            return left_out.tasks(table)
        return others(shipped() if tasks is None else tasks, table)

    def bayes(table, fixed, seed, *, pruner=DEFAULT_PRUNER, tasks=(), repeats=False,
              rate=None):
        believed = left_out.hyperprior(table) if left_out is not None else None
        if rate is not None:
            believed = {**(believed or fitted()), "peak": (rate, RANGE_SPREAD)}
        return SamplerSearcher(table.space, fixed=fixed, seed=seed, repeats=repeats,
                               acquisition=acquisition, tasks=tasks, epochs=table.epochs,
                               hyperprior=believed, eval_size=table.eval_size,
                               pruner=CurvesPruner(believed) if pruner == CurvesPruner.name
                               else make_pruner(Component(pruner), epochs=table.epochs))

    def ours(name, **options):
        return Method(name, lambda table, fixed, seed: bayes(table, fixed, seed, **options),
                      seeded=False)

    listed = (
        ours("bayes"),
        Method("bayes_prior", lambda table, fixed, seed: bayes(
            table, fixed, seed, tasks=learnt(table)), seeded=False),
        Method("bayes_range", lambda table, fixed, seed: bayes(
            table, fixed, seed, rate=told_rate(table, seed)), seeded=False, extra=True),
        Method("bayes_turned", lambda table, fixed, seed: bayes(
            table, fixed, seed, tasks=tuple(map(turned, learnt(table)))), seeded=False),
        ours("bayes_unpruned", pruner="none"),
        ours("bayes_repeats", repeats=True),
        *_peers(),
    )
    return {method.name: method for method in listed}


def _peers() -> tuple[Method, ...]:
    """What others do."""
    def random(table, fixed, seed, *, pruner="none"):
        return SamplerSearcher(table.space, mode="random", fixed=fixed, seed=seed,
                               epochs=table.epochs,
                               pruner=make_pruner(Component(pruner), epochs=table.epochs))

    def peer(name, kind, *, extra=False, **options):
        return Method(name, lambda table, fixed, seed: kind(table.space, fixed=fixed, seed=seed,
                                                            **options), extra=extra)

    def optuna(name, *, extra=False, **options):
        return Method(name, lambda table, fixed, seed: OptunaSearcher(
            table.space, fixed=fixed, seed=seed, epochs=table.epochs, **options), extra=extra)

    return (
        Method("random", random),
        Method("random_pruned", lambda table, fixed, seed: random(
            table, fixed, seed, pruner=DEFAULT_PRUNER)),
        Method("defaults", lambda table, fixed, _: PublishedSearcher(
            table.space, DEFAULTS, first=fixed), seeded=False),
        Method("hyperrule", lambda table, *_: PublishedSearcher(table.space, (HYPERRULE,)),
               seeded=False),
        peer("skopt", SkoptSearcher),
        peer("gp", GpSearcher),
        peer("gp_mean", GpMeanSearcher),
        optuna("tpe"),
        optuna("hyperband", hyperband=True),
        optuna("gp_optuna", extra=True, sampler="GPSampler"),
        peer("botorch", BotorchSearcher, extra=True),
        peer("hebo", HeboSearcher, extra=True),
    )


def find_methods(names: Sequence[str], known: dict[str, Method]) -> list[Method]:
    for name in names:
        if name not in known:
            raise PaddleTransferError(
                f"--method: there is no '{name}'. {did_you_mean(name, list(known))}")
    return ([known[name] for name in names] or
            [method for method in known.values() if not method.extra])


def run_method(table: Table, method: Method, *, repeats: int, trials: int, fixed: Point | None,
               workers: int = 1) -> list[Run]:
    """``repeats`` searches; number ``i`` sees recorded seed ``i`` modulo their number, and has
    study seed ``i``."""
    runs: list[Run] = []
    for i in tracked(range(repeats), repeats, method.name, leaves=False):
        if not method.seeded and i >= table.seeds:
            runs.append(runs[i % table.seeds])
            continue
        searcher = method.make(table, fixed, i)
        runs.append(
            replay(table, searcher, recorded_seed=i % table.seeds, trials=trials, workers=workers))
    return runs


