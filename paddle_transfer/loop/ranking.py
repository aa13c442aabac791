"""Ranking of the trained points: one leaderboard for the stop rule, the files, the terminal and the
trainings after the search.

A sampler with a model of the results ranks by the model's posterior mean, so that the luckiest
training does not win; else, and while there is no model, the mean of the observed metrics counts.
Points that were confirmed (``confirm``) come first, by the mean over their seeds.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from paddle_transfer.loop.confirm import (
    Confirmed,
    Training,
    candidates,
    confirmed,
    confirming,
    missing,
)
from paddle_transfer.loop.results import PointResult, point_results
from paddle_transfer.samplers.base import Observation, PosteriorSummary
from paddle_transfer.settings.groups import Repeats, SearchSpace
from paddle_transfer.space.space import Point, Space
from paddle_transfer.study.records import Stage, TrialRecord, observations

T = TypeVar("T")

#: Answers that are kept: the search's own trials and all of them, before and after a trial's end.
_KEPT = 4


class Posterior(Protocol):
    """The model of a sampler that has one (``has_posterior``)."""

    def __call__(self, space: Space, finished: Sequence[Observation], *, seed: int,
                 gain: bool) -> PosteriorSummary | None:
        """What the model says; None where it says nothing yet.

        :param gain: whether the expected gain of untried points is needed
        Raises ValueError or ArithmeticError when the model cannot be fitted.
        """
        ...


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
        first = self.results[0] if self.results else None
        found = first is not None and first.value is not None
        return first if found and first.proposal.stage is not Stage.TEACHER else None

    def of(self, point: Point | None) -> PointResult | None:
        """The result of ``point``; None when it was not trained, or is None."""
        wanted = None if point is None else self.space.key(point)
        return next((result for result in self.results
                     if result.proposal.key(self.space) == wanted), None)

    def estimate(self, point: Point) -> float | None:
        """The posterior mean of ``point``; None without one."""
        return self.estimates.get(self.space.key(point))

    def confirmation(self, point: Point | None) -> Confirmed | None:
        """The confirmation of ``point``; None when it was not confirmed, or is None."""
        wanted = None if point is None else self.space.key(point)
        return next((one for one in self.confirmed if self.space.key(one.point) == wanted), None)


class Ranker:
    """Makes leaderboards, and remembers the last ones: several callbacks ask after each trial.

    :param posterior: the model of the sampler; None: points are ranked by what was observed
    :param expected_gain: whether ``posterior_summary`` tells the gain of going on (``stop: auto``)
    """

    def __init__(self, search_space: SearchSpace, repeats: Repeats, *,
                 posterior: Posterior | None = None, expected_gain: bool = False):
        self._space, self._baseline = search_space.space, search_space.baseline
        self._repeats, self._posterior, self._gain = repeats, posterior, expected_gain
        self._kept: dict[str, dict[object, Any]] = {"posterior": {}, "leaderboard": {}}

    def posterior_summary(self, records: Sequence[TrialRecord]) -> PosteriorSummary | None:
        """What the model says; None without a model, below two complete points, and when the model
        cannot be fitted."""
        return self._remembered("posterior", records, self._summarise)

    def leaderboard(self, records: Sequence[TrialRecord]) -> Leaderboard:
        """The ranking by ``records``."""
        return self._remembered("leaderboard", records, self._leaderboard)

    def searched(self, records: Sequence[TrialRecord]) -> list[TrialRecord]:
        """The trials of the search proper, without those that confirm."""
        late = confirming(records, self._repeats)
        return [record for record in records if record.number not in late]

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
        """By posterior mean where there is one; a point that also diverged has none, and comes
        after."""
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
        # Half a confirmation changes nothing: the order is that of the search proper until all have
        # a second seed.
        again = confirmed(self._candidates(records), records, space, self._repeats)
        order = [space.key(one.point) for one in again]
        order += [space.key(result.point) for result in self._ranked(self.searched(records))]
        places = {key: place for place, key in reversed(list(enumerate(order)))}
        results = sorted(point_results(space, records), key=lambda result: (
            result.value is None, places.get(space.key(result.point), len(places))))
        return Leaderboard(space, tuple(results), estimates, tuple(again))

    def _summarise(self, records: Sequence[TrialRecord]) -> PosteriorSummary | None:
        finished = observations(records)[0]
        complete = {self._space.key(one.point) for one in finished if one.state == "complete"}
        if self._posterior is None or len(complete) < 2:
            return None
        try:
            return self._posterior(self._space, finished, seed=self._repeats.seed, gain=self._gain)
        except (ValueError, ArithmeticError) as error:  # a singular matrix among them
            warnings.warn(f"there is no model of the results ({error}): points are ranked by what "
                          "was observed", stacklevel=2)
            return None

    def _remembered(self, what: str, records: Sequence[TrialRecord],
                    make: Callable[[Sequence[TrialRecord]], T]) -> T:
        mark = tuple((record.number, record.state, record.value, record.seed, record.suggestion,
                      record.reused, record.curve if record.finished else None)
                     for record in records if record.finished or what == "leaderboard")
        kept = self._kept[what]
        if mark not in kept:
            answer = make(records)
            while len(kept) >= _KEPT:
                del kept[next(iter(kept))]
            kept[mark] = answer
        found: T = kept[mark]
        return found
