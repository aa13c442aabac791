"""The ranking of a search read from disk: in the order that the search itself gave."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from paddle_transfer.loop.results import PointResult, point_results
from paddle_transfer.loop.saved_search import SavedSearch
from paddle_transfer.space.space import Point
from paddle_transfer.study.records import Stage, TrialRecord, TrialState


@dataclass(frozen=True)
class RankedPoint:
    """A row of the leaderboard: a point and what its trials gave.

    :param rank: from 1
    :param point: the hyperparameters by name
    :param value: the mean of the metric over its complete trials
    :param images: how many the metric was measured on; None in searches of earlier versions
    :param error: the standard error of that mean; None for a single trial
    :param estimate: what the search's model expects of the point, without the luck of one training;
        None where no model ranks
    :param best_trial: its trial with the best metric
    :param trials: the numbers of all its trials
    :param is_baseline: whether it is the fixed point of the search file
    """

    rank: int
    point: Point
    value: float
    error: float | None
    estimate: float | None
    best_trial: TrialRecord
    trials: tuple[int, ...]
    is_baseline: bool = False
    images: int | None = None


def as_told(record: TrialRecord, row: Mapping[str, str] | None) -> TrialRecord:
    """A trial whose failure is not final, because nothing has worked yet, as a failed one."""
    if row is None or record.finished or row.get("state") != TrialState.FAILED:
        return record
    return replace(record, state=TrialState.FAILED,
                   info={**record.info, "reason": row.get("reason", "")})


def ranking(saved: SavedSearch, records: Sequence[TrialRecord],
            rows: Mapping[int, Mapping[str, str]]) -> list[RankedPoint]:
    """In the order that the search gave its points: its ranker knows the model of the results.

    Points of which it has not said so yet come last, by what was observed.
    """
    def first(result: PointResult, column: str) -> str:
        """The value of ``column`` in the first row of the point's complete trials that has one."""
        cells = (rows.get(trial.number, {}).get(column, "") for trial in result.trials)
        return next(filter(None, cells), "")

    results = [result for result in point_results(saved.space, records)
               if result.value is not None and result.proposal.stage is not Stage.TEACHER]
    results.sort(key=lambda result: float(first(result, "rank") or "inf"))
    fixed = saved.content.get("fixed")
    baseline = saved.space.key(fixed) if fixed else None
    return [RankedPoint(rank, result.point, result.value or 0.0, result.error,
                        float(estimate) if (estimate := first(result, "estimate")) else None,
                        result.best, tuple(trial.number for trial in result.trials),
                        saved.space.key(result.point) == baseline, result.images)
            for rank, result in enumerate(results, start=1)]


def read_json(path: Path) -> dict[str, Any]:
    """{} when it is not there (yet)."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
