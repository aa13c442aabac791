"""``confirm: N``: when the search proper has ended, the best points and the fixed point are trained again.

Each then has N trainings in all, with the seeds ``seed`` to ``seed`` + N - 1, one seed after the other for all of them,
so that at every moment they have been given the same chances. These are trials like others, but not counted in
``max_iter`` and never pruned. They are told from the search's own by the records alone: the trainings of a suggestion
beyond ``search_times``. Pure functions of the records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paddle_transfer.search.results import PointResult, standard_error
from paddle_transfer.settings.budget import CONFIRMED
from paddle_transfer.space.space import Point, Space
from paddle_transfer.study.records import TrialRecord


@dataclass(frozen=True)
class Training:
    """One that is still to be done: of ``point``, first tried as ``suggestion``."""

    suggestion: int
    point: Point
    seed: int


@dataclass(frozen=True)
class Confirmed:
    """A point trained with ``seeds``: the metrics of its complete trainings, their mean and its standard error."""

    point: Point
    seeds: tuple[int, ...]
    values: tuple[float, ...]
    whole: bool  # no training diverged

    @property
    def mean(self) -> float:
        return sum(self.values) / len(self.values)

    @property
    def error(self) -> float | None:
        """None for a single value."""
        return standard_error(self.values)

    def __str__(self) -> str:
        return f"{self.mean:.4f}" + (f" ± {self.error:.4f}" if self.error is not None else "")


def confirming(records: Sequence[TrialRecord], settings: Any) -> set[int]:
    """The numbers of the trials that only confirm."""
    if settings.plan is not None:
        return set()
    seen: dict[int, int] = {}
    found = set()
    for record in records:
        seen[record.suggestion] = seen.get(record.suggestion, 0) + 1
        if seen[record.suggestion] > settings.times(record.point):
            found.add(record.number)
    return found


def candidates(ranked: Sequence[PointResult], fixed: PointResult | None,
               space: Space) -> list[PointResult]:
    """What is trained again: the best ``CONFIRMED`` of ``ranked`` (best first, of the search proper), then the fixed
    point, unless it is among them or all its trainings failed or diverged."""
    chosen = [result for result in ranked if result.value is not None][:CONFIRMED]
    known = {space.key(result.point) for result in chosen}
    if fixed is not None and space.key(fixed.point) not in known and any(
            trial.state in ("complete", "pruned") for trial in fixed.trials):
        chosen.append(fixed)
    return chosen


def missing(chosen: Sequence[PointResult], records: Sequence[TrialRecord],
            settings: Any) -> list[Training]:
    """The trainings still to be begun, in their order. One that the search pruned is done again with its seed."""
    begun, late = set(), confirming(records, settings)
    for record in records:
        if record.reused is None and (record.state != "pruned" or record.number in late):
            begun.add((settings.space.key(record.point), record.seed))
    return [Training(result.trials[0].suggestion, result.point, seed) for seed in _seeds(settings)
            for result in chosen if (settings.space.key(result.point), seed) not in begun]


def leaderboard(chosen: Sequence[PointResult], records: Sequence[TrialRecord],
                settings: Any) -> list[Confirmed]:
    """The points of ``chosen`` as far as they were confirmed, best mean first: by the seeds that all of them have been
    trained with. Empty while there are fewer than two such seeds."""
    trials: dict[tuple[str, int], list[TrialRecord]] = {}
    for record in records:
        if record.reused is None:
            trials.setdefault((settings.space.key(record.point), record.seed), []).append(record)
    keys = [settings.space.key(result.point) for result in chosen]
    seeds = []
    for seed in _seeds(settings):
        if not all(
                any(record.finished and record.state != "pruned"
                    for record in trials.get((key, seed), ()))
                for key in keys):
            break
        seeds.append(seed)
    if len(seeds) < 2:
        return []
    made = []
    for key, result in zip(keys, chosen):
        mine = [record for seed in seeds for record in trials[key, seed]]
        values = tuple(record.value
                       for record in mine
                       if record.state == "complete" and record.value is not None)
        if values:
            made.append(Confirmed(result.point, tuple(seeds), values,
                                  all(record.state != "diverged" for record in mine)))
    return sorted(made, key=lambda one: (not one.whole, -one.mean))


def _seeds(settings: Any) -> range:
    return range(settings.seed, settings.seed + settings.confirm) if settings.confirm else range(0)
