"""What the report shows of a search, read from its output folder. Writes nothing, takes no lock."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from paddle_transfer.config.load import load_yaml
from paddle_transfer.errors import PaddleTransferError, StudyError, reading
from paddle_transfer.loop.saved_ranking import RankedPoint, as_told, ranking, read_json
from paddle_transfer.loop.saved_search import SavedSearch, read_saved_search
from paddle_transfer.report.formatting import is_accuracy
from paddle_transfer.report.gain import Gain, gain_over, gains_by_seed
from paddle_transfer.space.space import Point
from paddle_transfer.study.leftover import read_rows
from paddle_transfer.study.records import TrialRecord
from paddle_transfer.study.trial_folder import TrialFolder


@dataclass(frozen=True)
class SearchData:
    """A search as its folder tells it, finished or not.

    :param records: all trials by number
    :param ranking: the points with a complete trial, best first
    :param told: the content of ``search_results.json``; {} while there is none
    :param attributes: what the study holds of the search as a whole
    """

    output_dir: Path
    saved: SavedSearch
    records: tuple[TrialRecord, ...]
    ranking: tuple[RankedPoint, ...]
    told: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def metric(self) -> str:
        return str(self.saved.content.get("metric"))

    @property
    def names(self) -> tuple[str, ...]:
        """The hyperparameters."""
        return self.saved.space.names

    @property
    def in_points(self) -> bool:
        """Whether the metric is an accuracy, whose differences are told in percentage points."""
        return is_accuracy(self.metric)

    @property
    def best(self) -> RankedPoint | None:
        """None while no trial is complete."""
        return self.ranking[0] if self.ranking else None

    @property
    def baseline(self) -> RankedPoint | None:
        """The fixed point; None without one, and while it has no result."""
        return next((row for row in self.ranking if row.is_baseline), None)

    @property
    def ended(self) -> str | None:
        """Why the search ended; None while it runs, and when it was killed."""
        return self.told.get("ended")

    @property
    def trainings(self) -> tuple[TrialRecord, ...]:
        """The trials that were trained, or are in training."""
        return tuple(record for record in self.records if record.reused is None)

    def used(self, point: Point) -> Point:
        """``point`` without the hyperparameters that its other values switch off."""
        return self.saved.space.used(point)

    @property
    def gain(self) -> Gain | None:
        """The gain, by the best evidence there is; None without two different points to compare."""
        found, fixed = self.best, self.baseline
        if found is None or fixed is None or found is fixed:
            return None
        confirmed, by_seed = (self.told.get("confirm") or {}).get("points") or [], list[float]()
        other = next((one for one in confirmed if one["fixed"]), None)
        if other is not None and other is not confirmed[0]:
            by_seed = gains_by_seed(_by_seed(other), _by_seed(confirmed[0]))
        return gain_over(fixed, found, metric=self.metric, by_seed=by_seed,
                         noise=(self.told.get("going_on") or {}).get("noise"))

    @cached_property
    def config(self) -> dict[str, Any]:
        """The PaddleClas config of the best trial, else of any; {} where none can be read."""
        numbers = [self.best.best_trial.number] if self.best else []
        for number in [*numbers, *(record.number for record in self.trainings)]:
            try:
                return load_yaml(str(TrialFolder.of(self.output_dir, number).config))
            except PaddleTransferError:
                continue
        return {}

    @cached_property
    def times(self) -> dict[int, tuple[float, float]]:
        """When each training began and ended (or was last heard of), in seconds since the epoch, by
        the times of its files. Those of trials whose folder is gone are missing."""
        found = {}
        for record in self.trainings:
            folder = TrialFolder.of(self.output_dir, record.number)
            try:
                begun = folder.config.stat().st_mtime
                last = folder.result if folder.result.exists() else folder.log
                found[record.number] = begun, max(begun, last.stat().st_mtime)
            except OSError:
                continue
        return found


def _by_seed(confirmed: Mapping[str, Any]) -> dict[int, float]:
    """Seed -> metric; {} where a training failed, whose seed is not told."""
    seeds, values = confirmed["seeds"], confirmed["values"]
    return dict(zip(seeds, values, strict=True)) if len(seeds) == len(values) else {}


def read_search_data(output_dir: str | os.PathLike[str]) -> SearchData:
    """The search in ``output_dir``. Raises StudyError when there is none, or it cannot be read."""
    with reading(output_dir, error=StudyError):
        saved, root = read_saved_search(output_dir), Path(output_dir)
        rows = read_rows(root / "search_results.csv")
        records, attributes = saved.study()
        told = tuple(as_told(record, rows.get(record.number)) for record in records)
        return SearchData(root, saved, told, tuple(ranking(saved, told, rows)),
                          read_json(root / "search_results.json"), attributes)
