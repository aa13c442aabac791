"""Who leads: points ranked by what the results say of them. One opinion for the stop rule, the files, the terminal and
the trainings after the search.

In a Bayesian search the ranking goes by the model's posterior mean, so that the luckiest training does not win; else,
and while there is no model, by the mean of the observed metrics. Points that were confirmed (``confirm``) come first,
by the mean over their seeds.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from paddle_transfer.samplers.base import PastTask, PosteriorSummary
from paddle_transfer.search.confirm import Confirmed, Training, candidates, confirming, missing
from paddle_transfer.search.confirm import leaderboard as confirmed_leaderboard
from paddle_transfer.search.results import PointResult, point_results
from paddle_transfer.space.space import Space
from paddle_transfer.stages.plan import stage_of
from paddle_transfer.study.records import TrialRecord, observations

#: Answers that are kept: the search's own trials and all of them, before and after a trial's end.
_KEPT = 4


def posterior_summary(*given: Any, **more: Any) -> PosteriorSummary | None:
    """As ``termination.posterior_summary``, which is imported late: it needs scikit-optimize."""
    from paddle_transfer.samplers.gp import termination
    return termination.posterior_summary(*given, **more)


@dataclass(frozen=True)
class Leaderboard:
    """``results`` are all trained points, best first. ``estimates`` are posterior means of the metric by ``Space.key``,
    empty where no model counts; ``confirmed`` the points that were, best first."""

    space: Space
    results: tuple[PointResult, ...]
    estimates: Mapping[str, float] = field(default_factory=dict)
    confirmed: tuple[Confirmed, ...] = ()

    @property
    def winner(self) -> PointResult | None:
        """None while no trial has completed."""
        first = self.results[0] if self.results else None
        return first if first is not None and first.value is not None and stage_of(
            first.point) != "teacher" else None

    def of(self, point: dict | None) -> PointResult | None:
        """The result of ``point``; None when it was not trained, or is None."""
        wanted = None if point is None else self.space.key(point)
        return next((result for result in self.results if self.space.key(result.point) == wanted),
                    None)

    def estimate(self, point: dict) -> float | None:
        return self.estimates.get(self.space.key(point))

    def confirmation(self, point: dict | None) -> Confirmed | None:
        wanted = None if point is None else self.space.key(point)
        return next((one for one in self.confirmed if self.space.key(one.point) == wanted), None)


class Ranker:
    """
    :param settings: space, seed, search_mode, search_times, confirm, fixed, stop (auto: ``posterior_summary`` tells the gain)
    :param tasks: earlier tasks that the search knows
    :param eval_size: images that the metric is measured on; None: not known
    """

    def __init__(self, settings: Any, *, tasks: Sequence[PastTask] = (),
                 eval_size: int | None = None):
        self._settings, self._tasks, self._eval_size = settings, tuple(tasks), eval_size
        self._kept: dict[str, dict] = {"posterior_summary": {}, "leaderboard": {}}

    def posterior_summary(self, records: Sequence[TrialRecord]) -> PosteriorSummary | None:
        """What the model says; None where none counts: outside of a Bayesian search, below two complete points, and
        when it cannot be built."""
        return self._remembered("posterior_summary", records, self._posterior_summary)

    def leaderboard(self, records: Sequence[TrialRecord]) -> Leaderboard:
        return self._remembered("leaderboard", records, self._leaderboard)

    def searched(self, records: Sequence[TrialRecord]) -> list[TrialRecord]:
        """The trials of the search proper, without those that confirm."""
        late = confirming(records, self._settings)
        return [record for record in records if record.number not in late]

    def to_confirm(self, records: Sequence[TrialRecord]) -> list[Training]:
        """What ``confirm`` still asks for, once all trials of the search proper have ended."""
        return missing(self._candidates(records), records,
                       self._settings) if self._settings.confirm else []

    # -- inside --------------------------------------------------------------------------------------------------

    def _candidates(self, records: Sequence[TrialRecord]) -> list[PointResult]:
        own = self.searched(records)
        ranked = self._ranked(own)
        fixed = Leaderboard(self._settings.space, tuple(ranked)).of(self._settings.fixed)
        return candidates(ranked, fixed, self._settings.space)

    def _ranked(self, records: Sequence[TrialRecord]) -> list[PointResult]:
        """By posterior mean where there is one; a point that also diverged has none, and comes after."""
        space, results = self._settings.space, point_results(self._settings.space, records)
        view = self.posterior_summary(records)
        if view is None:
            return results
        ranked = sorted(
            results,
            key=lambda result: (  # stable: equal ones stay in the order of what was observed
                result.value is None, -view.estimates.get(space.key(result.point), float("-inf"))))
        return sorted(ranked, key=lambda result: space.key(result.point) != space.key(view.winner))

    def _leaderboard(self, records: Sequence[TrialRecord]) -> Leaderboard:
        space, view = self._settings.space, self.posterior_summary(records)
        estimates = view.estimates if view is not None else {}
        if not confirming(records, self._settings):
            return Leaderboard(space, tuple(self._ranked(records)), estimates)
        # Half a confirmation changes nothing: the order is that of the search proper until all have a second seed.
        confirmed = confirmed_leaderboard(self._candidates(records), records, self._settings)
        order = [space.key(one.point) for one in confirmed]
        order += [space.key(result.point) for result in self._ranked(self.searched(records))]
        places = {key: place for place, key in reversed(list(enumerate(order)))}
        results = sorted(point_results(space, records), key=lambda result: (
            result.value is None, places.get(space.key(result.point), len(places))))
        return Leaderboard(space, tuple(results), estimates, tuple(confirmed))

    def _posterior_summary(self, records: Sequence[TrialRecord]) -> PosteriorSummary | None:
        settings, finished = self._settings, observations(records)[0]
        complete = {settings.space.key(one.point) for one in finished if one.state == "complete"}
        if settings.search_mode != "bayes" or len(complete) < 2:
            return None
        try:
            return posterior_summary(settings.space, finished, tasks=self._tasks,
                                     seed=settings.seed, eval_size=self._eval_size,
                                     gain=settings.stop == "auto")
        except (ValueError,
                ArithmeticError) as error:  # a matrix that cannot be inverted among them
            warnings.warn(
                f"there is no model of the results ({error}): points are ranked by what was observed",
                stacklevel=2)
            return None

    def _remembered(self, what: str, records: Sequence[TrialRecord], make):
        """``make(records)``, which a few listeners ask for after each trial."""
        mark = tuple((record.number, record.state, record.value, record.seed, record.suggestion,
                      record.reused, record.curve if record.finished else None)
                     for record in records
                     if record.finished or what == "leaderboard")
        kept = self._kept[what]
        if mark not in kept:
            answer = make(records)
            while len(kept) >= _KEPT:
                del kept[next(iter(kept))]
            kept[mark] = answer
        return kept[mark]
