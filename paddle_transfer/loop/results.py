"""Results of a search: repeats averaged, points ranked by what was observed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from paddle_transfer.space.space import Point, Space
from paddle_transfer.study.records import Proposal, Stage, TrialRecord, trained

_RANKS = {Stage.FINAL: 0, Stage.SEARCH: 1, Stage.TEACHER: 2}


@dataclass(frozen=True)
class PointResult:
    """One proposal and its trainings.

    :param value: the mean of the best metrics of the completed trials; None when none completed
    :param error: the standard error of that mean; None for a single trial
    :param trials: all of them, by number
    """

    proposal: Proposal
    value: float | None
    error: float | None
    trials: tuple[TrialRecord, ...]

    @property
    def point(self) -> Point:
        return self.proposal.point

    @property
    def images(self) -> int | None:
        """How many images its metric was measured on; None where no trial says it."""
        return next((trial.images for trial in self.trials if trial.images is not None), None)

    @property
    def best(self) -> TrialRecord:
        """The completed trial with the best metric; there must be one."""
        completed = [trial for trial in self.trials if trial.complete]
        return max(completed, key=lambda trial: (trial.value or 0.0, -trial.number))


def point_results(space: Space, records: Sequence[TrialRecord]) -> list[PointResult]:
    """Every trained point, best first (of equals the earlier one), those without a completed trial
    last. The student of a distillation comes first, since the search was made for it; its teachers,
    which are other models, come last."""
    groups: dict[str, list[TrialRecord]] = {}
    for record in sorted(trained(records), key=lambda record: record.number):
        groups.setdefault(record.key(space), []).append(record)
    return sorted(map(_summarise, groups.values()), key=lambda result: (
        result.value is None, _RANKS[result.proposal.stage], -(result.value or 0.0),
        result.trials[0].number))


def _summarise(trials: list[TrialRecord]) -> PointResult:
    values = [trial.value for trial in trials if trial.complete and trial.value is not None]
    mean = sum(values) / len(values) if values else None
    return PointResult(trials[0].proposal, mean, standard_error(values), tuple(trials))


def standard_error(values: Sequence[float]) -> float | None:
    """Of the mean of ``values``; None for fewer than two."""
    count = len(values)
    if count < 2:
        return None
    mean = sum(values) / count
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (count - 1) / count)
