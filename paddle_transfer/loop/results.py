"""Results of a search: repeats averaged, points ranked by what was observed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappush, heapreplace

from paddle_transfer.space.space import Point, Space
from paddle_transfer.study.history import History
from paddle_transfer.study.records import Proposal, Stage, TrialRecord, trained

_RANKS = {Stage.FINAL: 0, Stage.SEARCH: 1, Stage.TEACHER: 2}


@dataclass(frozen=True, slots=True)
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
    known = records.key if isinstance(records, History) else None
    for record in sorted(trained(records), key=lambda record: record.number):
        key = known(record.number) if known else record.key(space)
        groups.setdefault(key, []).append(record)
    return sorted(map(_summarise, groups.values()), key=_order)


class BestPoint:
    """The first of ``point_results``, kept up to date with ``history``."""

    def __init__(self, history: History):
        self.history, self._seen = history, 0
        self._heap: list[tuple[tuple[bool, int, float, int], str]] = []  # with what has changed

    def result(self) -> PointResult | None:
        """The best point with a completed trial; None while there is none."""
        changed, self._seen = self.history.changed(self._seen)
        for number in changed:
            record, key = self.history[number], self.history.key(number)
            if record.complete and record.reused is None:
                heappush(self._heap, (_order(self._result(key)), key))
        while self._heap:
            order, key = self._heap[0]
            result = self._result(key)
            if order == _order(result):
                return result
            heapreplace(self._heap, (_order(result), key))
        return None

    def _result(self, key: str) -> PointResult:
        return _summarise([one for one in self.history.trainings(key) if one.finished])


def _order(result: PointResult) -> tuple[bool, int, float, int]:
    return (result.value is None, _RANKS[result.proposal.stage], -(result.value or 0.0),
            result.trials[0].number)


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
