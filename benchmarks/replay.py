"""One search on a table: the method asks, the table answers."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Protocol, cast

from benchmarks.recorded import Table
from paddle_transfer.pruners.base import Pruner
from paddle_transfer.samplers.base import Observation, PastTask, PosteriorSampler
from paddle_transfer.samplers.gp.hyperprior import Hyperprior
from paddle_transfer.samplers.registry import SAMPLERS, make_sampler
from paddle_transfer.space.space import Point, Space

Curve = tuple[tuple[int, float], ...]


class Searcher(Protocol):
    """One search by one method."""

    def ask(self) -> Point | None:
        """The next point, None when there is no other."""

    def watch(self, point: Point, epoch: int, value: float) -> bool:
        """A running trial's metric after an epoch; True ends it there."""

    def tell(self, point: Point, curve: Curve, pruned: bool) -> None:
        """A trial has ended."""

    def chosen(self) -> Point:
        """The point that would be taken if the search ended now."""

    def enough(self) -> bool:
        """Whether the method itself would end now."""


@dataclass
class Run:
    """What happened: the number of each asked point in order, of the chosen point after each trial,
    the epochs spent until each trial's end, the trial after which the method would have stopped,
    seconds of each ask, which trials were stopped before their last epoch; ``recorded_seed`` is
    whose curves were seen."""

    points: list[int] = field(default_factory=list)
    chosen: list[int] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)
    stop: int | None = None
    seconds: list[float] = field(default_factory=list)
    stopped: list[bool] = field(default_factory=list)
    recorded_seed: int = 0

    @property
    def whole(self) -> list[int | None]:
        """``points``, with None for those of stopped trials."""
        stopped = self.stopped or [False] * len(self.points)
        return [None if early else point
                for point, early in zip(self.points, stopped, strict=False)]


def replay(table: Table, searcher: Searcher, *, recorded_seed: int, trials: int,
           workers: int = 1) -> Run:
    """Search until ``trials`` have ended, ``workers`` at once; the trial that was begun first ends
    first. A point that comes again shows its next recorded seed (the first one again after the
    last)."""
    run, running = Run(recorded_seed=recorded_seed), []
    had: Counter[int] = Counter()
    spent = begun = 0
    while len(run.points) < trials:
        while begun < trials and len(running) < workers:
            start = time.perf_counter()
            point = searcher.ask()
            run.seconds.append(time.perf_counter() - start)
            if point is None:
                begun = trials
                break
            begun += 1
            running.append(point)
        if not running:
            break
        point = running.pop(0)
        place = table.space.index(point)
        curve, pruned = _train(table, searcher, point, (recorded_seed + had[place]) % table.seeds)
        had[place] += 1
        searcher.tell(point, curve, pruned)
        spent += len(curve)
        run.points.append(place)
        run.chosen.append(table.space.index(searcher.chosen()))
        run.epochs.append(spent)
        run.stopped.append(pruned)
        if run.stop is None and searcher.enough():
            run.stop = len(run.points)
    return run


def _train(table: Table, searcher: Searcher, point: Point,
           recorded_seed: int) -> tuple[Curve, bool]:
    curve = table.curve(point, recorded_seed)
    for epoch, value in curve[:-1]:
        if searcher.watch(point, epoch, value):
            return curve[:epoch], True
    return curve, False


class SamplerSearcher:
    """The product's own search: its sampler, its pruner, its choice of the winner, its stop rule.

    :param epochs: of a whole training
    :param repeats: a tried point may be trained again, with another seed
    """

    def __init__(self, space: Space, *, mode: str = "bayes", fixed: Point | None, seed: int,
                 tasks: tuple[PastTask, ...] = (), acquisition: str = "kg",
                 pruner: Pruner | None = None, epochs: int = 0, repeats: bool = False,
                 hyperprior: Hyperprior | None = None, eval_size: int | None = None):
        options = {"acquisition": acquisition} if mode == "bayes" else {}
        self._sampler = make_sampler(mode, baseline=fixed, past_tasks=tasks, options=options,
                                     allow_repeats=repeats, hyperprior=hyperprior,
                                     eval_size=eval_size)
        self._space, self._seed = space, seed
        self._pruner, self._epochs = pruner, epochs
        self._finished: list[Observation] = []
        self._running: list[Observation] = []  # with their curves so far
        self._asked = 0
        self._mode, self._summary = mode, None

    def ask(self) -> Point | None:
        running = [trial.point for trial in self._running]
        point = self._sampler.suggest(self._space, self._finished, running, seed=self._seed)
        if point is not None:
            self._running.append(Observation(self._asked, point, None, "running"))
            self._asked += 1
        return point

    def watch(self, point: Point, epoch: int, value: float) -> bool:
        if self._pruner is None:
            return False
        place = self._place(point)
        trial = self._running[place]
        trial = self._running[place] = replace(trial, curve=(*trial.curve, (epoch, value)))
        return self._pruner.should_stop(self._space, trial, self._finished, epochs=self._epochs,
                                        seed=self._seed)

    def tell(self, point: Point, curve: Curve, pruned: bool) -> None:
        trial = self._running.pop(self._place(point))
        self._finished.append(replace(trial, value=max(value for _, value in curve),
                                      state="pruned" if pruned else "complete", curve=curve))
        if SAMPLERS[self._mode].has_posterior:
            sampler = cast(PosteriorSampler, self._sampler)
            self._summary = sampler.posterior(self._space, self._finished, seed=self._seed)

    def _place(self, point: Point) -> int:
        return next(i for i, trial in enumerate(self._running) if trial.point == point)

    def chosen(self) -> Point:
        if self._summary is not None:
            return self._summary.winner
        return max(self._finished, key=lambda o: (o.state == "complete", o.curve[-1][1])).point

    def enough(self) -> bool:
        return self._summary is not None and self._summary.enough
