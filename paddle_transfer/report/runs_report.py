"""The report that writes a folder of runs while a search runs, for tools that show trainings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from paddle_transfer.config.validation import Options
from paddle_transfer.executors.base import EpochReport
from paddle_transfer.loop.ranking import Ranker
from paddle_transfer.predictions import FILE
from paddle_transfer.report.base import Report
from paddle_transfer.report.run_folder import RunFolder
from paddle_transfer.report.runs import Run
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.space.space import Point
from paddle_transfer.study.records import TrialRecord


class RunsReport(Report):
    """Writes a ``RunFolder`` while a search runs; subclasses say for which tool.

    Directories of finished trainings stay as they are; what a kill left half written is written
    again from the study.

    :cvar folder: in the output_dir
    """

    folder: ClassVar[str]
    kind: ClassVar[type[Run]]

    def __init__(self, settings: SearchSettings, *, ranker: Ranker, given: Options | None = None):
        super().__init__(settings, ranker=ranker, given=given)
        self.runs = RunFolder(Path(settings.output.output_dir) / self.folder, self.kind,
                              metric=settings.objective.metric, space=settings.search_space.space)

    def search_started(self, records: Sequence[TrialRecord]) -> None:
        run = self.runs.begin("search")
        self.runs.catch_up(records, run)
        run.flush()

    def trial_started(self, record: TrialRecord, device: str) -> None:
        self.runs.begin(self.runs.name(record))

    def epoch_reported(self, record: TrialRecord, report: EpochReport) -> None:
        run = self.runs.open.get(self.runs.name(record))
        if run is not None:
            self.runs.write_hparams(run, record, report.images)
            self.runs.write_epoch(run, report.epoch, report.value, report.scalars)

    def trial_ended(self, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
        run, search = (self.runs.open.get(name) for name in (self.runs.name(record), "search"))
        if run is not None:
            self.runs.write_hparams(run, record, record.images)
            self.runs.end(self.runs.name(record))
        elif record.reused is None:  # its result was found on disk
            self.runs.write_again(record)
        if search is not None:
            self.runs.count(record, search)
            search.flush()

    def search_ended(self, records: Sequence[TrialRecord], reason: str) -> None:
        if "search" in self.runs.open:
            self.runs.end_search(reason)
        self._write_winner()

    def final_training_started(self, name: str, point: Point) -> None:
        self.runs.begin(f"final_{name}").text("point", json.dumps(point))

    def final_epoch_reported(self, name: str, report: EpochReport) -> None:
        run = self.runs.open.get(f"final_{name}")
        if run is None:
            return
        for tag, value in {f"eval/{self.runs.metric}": report.value, **report.scalars}.items():
            test_tag = f"test/{tag.removeprefix('eval/')}" if tag.startswith("eval/") else tag
            run.scalar(test_tag, value, report.epoch)
        if report.images is not None:
            run.scalar("test/images", report.images, report.epoch)
        run.flush()

    def final_ended(self, results: dict[str, Any] | None) -> None:
        begun = [name for name in self.runs.open if name.startswith("final_")]
        self.runs.close()
        if results is not None:
            self.runs.write_final(results, begun)

    def soup_ended(self, result: dict[str, Any] | None) -> None:
        if result is not None:
            self.runs.write_soup(result)
            self._write_winner()

    def _write_winner(self) -> None:
        if not (Path(self.settings.output.output_dir) / FILE).exists():
            return
        from paddle_transfer.report.html.data import read_search_data  # late: it imports Plotly
        from paddle_transfer.report.winner_run import write_winner

        write_winner(self.runs, read_search_data(self.settings.output.output_dir))
