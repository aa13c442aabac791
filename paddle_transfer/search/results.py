"""What the trials say: repeats averaged, points ranked by what was observed. Pure functions of the records."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paddle_transfer.space.space import Space
from paddle_transfer.stages.plan import stage_of
from paddle_transfer.study.records import TrialRecord

_RANKS = {"final": 0, "search": 1, "teacher": 2}


@dataclass(frozen=True)
class PointResult:
    """One point and what its trainings gave.

    ``value`` is the mean of the best metrics of its completed trials (None when none completed), ``error`` the
    standard error of that mean (None for a single trial), ``trials`` their records, ``best`` the completed one with
    the best metric.
    """

    point: dict[str, Any]
    value: float | None
    error: float | None
    trials: tuple[TrialRecord, ...]

    @property
    def best(self) -> TrialRecord:
        completed = [
            trial for trial in self.trials if trial.state == "complete" and trial.value is not None
        ]
        return max(completed, key=lambda trial: (trial.value, -trial.number))

    @property
    def completed(self) -> int:
        return sum(trial.state == "complete" for trial in self.trials)


def point_results(space: Space, records: Sequence[TrialRecord]) -> list[PointResult]:
    """Every trained point, best first; points without a completed trial last. Equal values: the earlier one first.

    A distilled student is what its search was for, and so before all others; its teachers, another model, are last.
    """
    groups: dict[str, list[TrialRecord]] = {}
    for record in sorted(records, key=lambda record: record.number):
        if record.finished and record.reused is None:
            groups.setdefault(space.key(record.point), []).append(record)
    results = [_summarise(group) for group in groups.values()]
    return sorted(
        results, key=lambda result: (result.value is None, _RANKS[stage_of(result.point)], -(
            result.value or 0.0), result.trials[0].number))


def _summarise(trials: list[TrialRecord]) -> PointResult:
    values = [
        trial.value for trial in trials if trial.state == "complete" and trial.value is not None
    ]
    if not values:
        return PointResult(trials[0].point, None, None, tuple(trials))
    return PointResult(trials[0].point,
                       sum(values) / len(values), standard_error(values), tuple(trials))


def standard_error(values: Sequence[float]) -> float | None:
    """Of the mean of ``values``; None for a single one."""
    count, mean = len(values), sum(values) / len(values)
    return math.sqrt(sum(
        (value - mean) ** 2 for value in values) / (count - 1) / count) if count > 1 else None


def trained(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The finished records that were trainings of their own, in order."""
    return [record for record in records if record.finished and record.reused is None]
