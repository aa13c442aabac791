"""``confirm: N``: after the search proper, the best points and the baseline are trained again.

Each point then has N trainings, with the seeds ``seed`` to ``seed`` + N - 1. All points are trained
with one seed before the next one, so their means stay comparable. These trials are not counted in
``max_iter`` and never pruned. In the records they are the trainings of a suggestion beyond
``search_times``. All functions here are functions of the records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from paddle_transfer.loop.results import PointResult, standard_error
from paddle_transfer.samplers.gp.dimension_prior import axis_of
from paddle_transfer.settings.budget import CONFIRMED
from paddle_transfer.settings.groups import Repeats
from paddle_transfer.space.space import Point, Space
from paddle_transfer.study.history import History
from paddle_transfer.study.records import Proposal, TrialRecord, TrialState


@dataclass(frozen=True)
class Training:
    """A training still to be done, of ``proposal``, which was first tried as ``suggestion``."""

    suggestion: int
    proposal: Proposal
    seed: int


@dataclass(frozen=True)
class Confirmed:
    """A point trained with ``seeds``, and the metrics of its complete trainings.

    :param images: how many each was measured on; None: not known
    """

    point: Point
    seeds: tuple[int, ...]
    values: tuple[float, ...]
    whole: bool  # no training diverged
    images: int | None = None

    @property
    def mean(self) -> float:
        return sum(self.values) / len(self.values)

    @property
    def error(self) -> float | None:
        """The standard error of the mean; None for a single value."""
        return standard_error(self.values)

    def __str__(self) -> str:
        return f"{self.mean:.4f}" + (f" ± {self.error:.4f}" if self.error is not None else "")


def confirming(records: Sequence[TrialRecord], repeats: Repeats) -> set[int]:
    """The numbers of the trials that ``confirm`` added."""
    if isinstance(records, History) and not records.has_repeats(repeats.search_times):
        return set()
    seen: dict[int, int] = {}
    late = set()
    for record in records:
        seen[record.suggestion] = seen.get(record.suggestion, 0) + 1
        if seen[record.suggestion] > repeats.search_times:
            late.add(record.number)
    return late


def candidates(ranked: Sequence[PointResult], baseline: PointResult | None,
               space: Space) -> list[PointResult]:
    """The points to be trained again: the best ``CONFIRMED`` distinct ones of ``ranked`` (of the
    search proper), then the baseline, unless it is among them or has no result."""
    chosen = distinct(ranked, space, CONFIRMED)
    known = {space.key(result.point) for result in chosen}
    if baseline is not None and space.key(baseline.point) not in known and any(
            trial.state.has_value for trial in baseline.trials):
        chosen.append(baseline)
    return chosen


def distinct(ranked: Sequence[PointResult], space: Space, count: int) -> list[PointResult]:
    """The best ``count`` of ``ranked`` that have a value, in their order. Of those that differ only
    in weak settings (``DimensionPrior.weak``), trainings that are nearly the same, the first alone
    is taken, unless too few others are left."""
    valued = [result for result in ranked if result.value is not None]
    weak = [h.name for h in space.hyperparameters if axis_of(h).prior.weak]
    alike = {name: valued[0].point[name] for name in weak} if valued else {}
    firsts: dict[str, int] = {}
    for place, result in enumerate(valued):
        same = replace(result.proposal, point={**result.point, **alike})
        firsts.setdefault(same.key(space), place)
    best = list(firsts.values())[:count]
    others = [place for place in range(len(valued)) if place not in best]
    return [valued[place] for place in sorted([*best, *others[:count - len(best)]])]


def missing(chosen: Sequence[PointResult], records: Sequence[TrialRecord], space: Space,
            repeats: Repeats) -> list[Training]:
    """The trainings still to be done, in order; those that the search pruned are among them."""
    late = confirming(records, repeats)
    begun = {(record.key(space), record.seed) for record in records if record.reused is None
             and (record.state is not TrialState.PRUNED or record.number in late)}
    return [Training(result.trials[0].suggestion, result.proposal, seed)
            for seed in _seeds(repeats) for result in chosen
            if (result.proposal.key(space), seed) not in begun]


def confirmed(chosen: Sequence[PointResult], others: Sequence[PointResult],
              records: Sequence[TrialRecord], space: Space, repeats: Repeats) -> list[Confirmed]:
    """The points of ``chosen`` as far as they were confirmed, best mean first: by the seeds that
    all of them have been trained with. Empty while there are fewer than two such seeds.

    :param others: of them, those that have the same seeds are confirmed as well: they were chosen
        before a search went on and found better ones
    """
    trials: dict[tuple[str, int], list[TrialRecord]] = {}
    for record in records:
        if record.reused is None:
            trials.setdefault((record.key(space), record.seed), []).append(record)
    keys = [result.proposal.key(space) for result in chosen]
    seeds: list[int] = []

    def trained(key: str, seed: int) -> bool:
        return any(one.finished and one.state is not TrialState.PRUNED
                   for one in trials.get((key, seed), ()))

    for seed in _seeds(repeats):
        if not all(trained(key, seed) for key in keys):
            break
        seeds.append(seed)
    if len(seeds) < 2:
        return []
    made, everything = [], {**{result.proposal.key(space): result for result in others},
                            **dict(zip(keys, chosen, strict=True))}
    for key, result in everything.items():
        if not all(trained(key, seed) for seed in seeds):
            continue
        own = [record for seed in seeds for record in trials[key, seed]]
        values = tuple(one.value for one in own if one.complete and one.value is not None)
        whole = all(record.state is not TrialState.DIVERGED for record in own)
        if values:
            made.append(Confirmed(result.point, tuple(seeds), values, whole, result.images))
    return sorted(made, key=lambda one: (not one.whole, -one.mean))


def _seeds(repeats: Repeats) -> range:
    return range(repeats.seed, repeats.seed + (repeats.confirm or 0))
