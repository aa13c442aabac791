"""Ranking of the trained points: one leaderboard for stop rule, reports and final trainings.

A sampler with a model of the results ranks by the model's posterior mean, so that the luckiest
training does not win; else, and while there is no model, the mean of the observed metrics counts.
Points that were confirmed (``confirm``) come first, by the mean over their seeds.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from paddle_transfer.loop.confirm import (
    Confirmed,
    Training,
    candidates,
    confirmed,
    confirming,
    missing,
)
from paddle_transfer.loop.results import BestPoint, PointResult, point_results
from paddle_transfer.samplers.base import PosteriorSummary
from paddle_transfer.settings.groups import Repeats, SearchSpace
from paddle_transfer.space.space import Point, Space
from paddle_transfer.study.history import History, observations
from paddle_transfer.study.records import Stage, TrialRecord

T = TypeVar("T")

#: ``PosteriorSampler.posterior``. Raises ValueError or ArithmeticError when it cannot be fitted.
Posterior = Callable[..., PosteriorSummary | None]

#: Answers that are kept: of two kinds, of all trials and without confirming ones, old and new.
_KEPT = 8


@dataclass(frozen=True)
class Leaderboard:
    """All trained points.

    :param results: best first
    :param estimates: posterior means of the metric by ``Space.key``; empty without a model
    :param confirmed: the points that were confirmed, best first
    """

    space: Space
    results: tuple[PointResult, ...]
    estimates: Mapping[str, float] = field(default_factory=dict)
    confirmed: tuple[Confirmed, ...] = ()

    @property
    def winner(self) -> PointResult | None:
        """None while no trial has completed."""
        return _winner(next(iter(self.results), None))

    def of(self, point: Point | None) -> PointResult | None:
        """The result of ``point``; None when it was not trained, or is None."""
        return None if point is None else self._by_key.get(self.space.key(point))

    @cached_property
    def _by_key(self) -> dict[str, PointResult]:
        results = reversed(self.results)  # the best of a point that has several stays
        return {result.proposal.key(self.space): result for result in results}

    def estimate(self, point: Point) -> float | None:
        """The posterior mean of ``point``; None without one."""
        return self.estimates.get(self.space.key(point)) if self.estimates else None

    def confirmation(self, point: Point | None) -> Confirmed | None:
        """The confirmation of ``point``; None when it was not confirmed, or is None."""
        wanted = None if point is None else self.space.key(point)
        return next((one for one in self.confirmed if self.space.key(one.point) == wanted), None)


def _winner(first: PointResult | None) -> PointResult | None:
    """``first`` of all points, if it can win."""
    if first is None or first.value is None or first.proposal.stage is Stage.TEACHER:
        return None
    return first


class Ranker:
    """Makes leaderboards, and remembers the last ones: several callbacks ask after each trial.

    :param posterior: the model of the sampler; None: points are ranked by what was observed
    :param expected_gain: whether the gain of untried points is needed (``stop: auto``)
    """

    def __init__(self, search_space: SearchSpace, repeats: Repeats, *,
                 posterior: Posterior | None = None, expected_gain: bool = False):
        self._space, self._baseline = search_space.space, search_space.baseline
        self._repeats, self._posterior, self._gain = repeats, posterior, expected_gain
        self._kept: dict[tuple[object, ...], Any] = {}
        self._best: BestPoint | None = None

    def posterior_summary(self, records: Sequence[TrialRecord]) -> PosteriorSummary | None:
        """What the model says; None without one, below two complete points, when it fails."""
        return self._remembered(self._summarise, records, finished=True)

    def outlook(self, records: Sequence[TrialRecord]) -> PosteriorSummary | None:
        """The same, always with what one more training is expected to gain."""
        return self._remembered(self._outlook, records, finished=True)

    def leaderboard(self, records: Sequence[TrialRecord]) -> Leaderboard:
        """The ranking by ``records``."""
        return self._remembered(self._leaderboard, records)

    def winner(self, records: Sequence[TrialRecord]) -> PointResult | None:
        """The leaderboard's; where no model ranks and nothing was confirmed, without making one."""
        confirmed = confirming(records, self._repeats)
        if self._posterior is not None or confirmed or not isinstance(records, History):
            return self.leaderboard(records).winner
        if self._best is None or self._best.history is not records:
            self._best = BestPoint(records)
        return _winner(self._best.result())

    def searched(self, records: Sequence[TrialRecord]) -> Sequence[TrialRecord]:
        """The trials of the search proper, without those that confirm."""
        late = confirming(records, self._repeats)
        return records if not late else [record for record in records if record.number not in late]

    def to_confirm(self, records: Sequence[TrialRecord]) -> list[Training]:
        """The trainings that ``confirm`` still needs, once the search proper has ended."""
        if not self._repeats.confirm:
            return []
        return missing(self._candidates(records), records, self._space, self._repeats)

    def _candidates(self, records: Sequence[TrialRecord]) -> list[PointResult]:
        ranked = self._ranked(self.searched(records))
        baseline = Leaderboard(self._space, tuple(ranked)).of(self._baseline)
        return candidates(ranked, baseline, self._space)

    def _ranked(self, records: Sequence[TrialRecord]) -> list[PointResult]:
        """By posterior mean where there is one; points that also diverged have none: later."""
        space, results = self._space, point_results(self._space, records)
        view = self.posterior_summary(records)
        if view is None:
            return results
        winner, estimates = space.key(view.winner), view.estimates
        # stable: equal ones stay in the order of what was observed
        ranked = sorted(results, key=lambda result: (
            result.value is None, -estimates.get(space.key(result.point), float("-inf"))))
        return sorted(ranked, key=lambda result: space.key(result.point) != winner)

    def _leaderboard(self, records: Sequence[TrialRecord]) -> Leaderboard:
        space, view = self._space, self.posterior_summary(records)
        estimates = view.estimates if view is not None else {}
        if not confirming(records, self._repeats):
            return Leaderboard(space, tuple(self._ranked(records)), estimates)
        # The order is that of the search proper until all candidates have a second seed.
        ranked = self._ranked(records)
        again = confirmed(self._candidates(records), ranked, records, space, self._repeats)
        order = [space.key(one.point) for one in again]
        order += [space.key(result.point)
                  for result in (ranked if again else self._ranked(self.searched(records)))]
        places = {key: place for place, key in reversed(list(enumerate(order)))}
        results = sorted(point_results(space, records), key=lambda result: (
            result.value is None, places.get(space.key(result.point), len(places))))
        return Leaderboard(space, tuple(results), estimates, tuple(again))

    def _outlook(self, records: Sequence[TrialRecord]) -> PosteriorSummary | None:
        return self._summarise(records, gain=True)

    def _summarise(self, records: Sequence[TrialRecord], *,
                   gain: bool = False) -> PosteriorSummary | None:
        if self._posterior is None:
            return None
        finished = observations(records)[0]
        complete = {self._space.key(one.point) for one in finished if one.state == "complete"}
        if len(complete) < 2:
            return None
        try:
            return self._posterior(self._space, finished, seed=self._repeats.seed,
                                   gain=gain or self._gain)
        except (ValueError, ArithmeticError) as error:  # a singular matrix among them
            warnings.warn(f"there is no model of the results ({error}): points are ranked by what "
                          "was observed", stacklevel=2)
            return None

    def _remembered(self, make: Callable[[Sequence[TrialRecord]], T],
                    records: Sequence[TrialRecord], *, finished: bool = False) -> T:
        """``make(records)``, which does not depend on running trials when ``finished``."""
        mark: tuple[object, ...]
        if isinstance(records, History):
            mark = (make.__name__, *records.mark(finished=finished))
        else:
            mark = (make.__name__, *(
                (record.number, record.state, record.value, record.seed, record.suggestion,
                 record.reused, record.curve if record.finished else None)
                for record in records if record.finished or not finished))
        if mark not in self._kept:
            answer = make(records)
            for old in [old for old in self._kept if old[:2] == mark[:2] and len(mark) == 3]:
                del self._kept[old]  # of the same history, which does not go back
            while len(self._kept) >= _KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[mark] = answer
        found: T = self._kept[mark]
        return found
