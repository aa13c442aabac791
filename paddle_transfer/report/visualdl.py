"""VisualDL: one run per trial (scalars per epoch, hyperparameters with the best metric), one of the
search, and those of the final trainings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from paddle_transfer.config.validation import Options
from paddle_transfer.executors.base import EpochReport
from paddle_transfer.loop.ranking import Ranker
from paddle_transfer.report.base import Report
from paddle_transfer.report.visualdl_final import FinalRunPages
from paddle_transfer.report.visualdl_run import DONE, Run, plain
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.study.records import TrialRecord


class VisualDL(FinalRunPages, Report):
    """Writes ``<output_dir>/vdl``.

    Directories of finished trials stay as they are; what a kill left half written is written again
    from the study.
    """

    name = "visualdl"

    def __init__(self, settings: SearchSettings, *, ranker: Ranker, given: Options | None = None):
        Report.__init__(self, settings, ranker=ranker, given=given)
        FinalRunPages.__init__(self, Path(settings.output.output_dir) / "vdl",
                               settings.objective.metric.replace("%", "percent"))
        self._writers: dict[int, Run] = {}
        self._search: Run | None = None
        self._done = 0
        self._best: float | None = None

    def search_started(self, records: Sequence[TrialRecord]) -> None:
        self._search = Run(self.root / "search")
        for record in sorted(records, key=lambda record: record.number):
            if record.finished:
                if record.reused is None:
                    self._write_again(record)
                self._count(record)

    def trial_started(self, record: TrialRecord, device: str) -> None:
        self._close(record.number)
        self._writers[record.number] = Run(self._directory(record))

    def epoch_reported(self, record: TrialRecord, report: EpochReport) -> None:
        run = self._writers.get(record.number)
        if run is not None:
            run.hparams(self._hparams(record), [self._best_tag])
            run.epoch(report.epoch, report.value, report.scalars, metric=self.metric,
                      best_tag=self._best_tag)

    def trial_ended(self, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
        run = self._writers.get(record.number)
        if run is not None:
            run.hparams(self._hparams(record), [self._best_tag])
            self._close(record.number)
            (self._directory(record) / DONE).touch()
        self._count(record)

    def search_ended(self, records: Sequence[TrialRecord], reason: str) -> None:
        for number in list(self._writers):
            self._close(number)
        if self._search is not None:
            self._search.text("search/ended", reason, self._done)
            self._search.close()
            self._search = None

    # -- inside ----------------------------------------------------------------------------------

    @property
    def _best_tag(self) -> str:
        return f"best/{self.metric}"

    def _directory(self, record: TrialRecord) -> Path:
        return self.root / f"trial_{record.number:04d}"

    def _close(self, number: int) -> None:
        run = self._writers.pop(number, None)
        if run is not None:
            run.close()

    def _write_again(self, record: TrialRecord) -> None:
        """Write the run of a finished trial from its record, unless it is whole."""
        if (self._directory(record) / DONE).exists():
            return
        run = Run(self._directory(record))
        run.hparams(self._hparams(record), [self._best_tag])
        for epoch, value in record.curve:
            run.epoch(epoch, value, {}, metric=self.metric, best_tag=self._best_tag)
        run.close()
        (self._directory(record) / DONE).touch()

    def _count(self, record: TrialRecord) -> None:
        """Add a finished trial to the run of the search."""
        assert self._search is not None, "the search has started"
        self._done += 1
        if record.state == "complete" and record.value is not None:
            self._best = record.value if self._best is None else max(self._best, record.value)
            self._search.scalar(f"search/{self.metric}", record.value, self._done)
        if self._best is not None:
            self._search.scalar(f"search/best_{self.metric}", self._best, self._done)
        self._search.scalar("search/trials_done", self._done, self._done)
        self._search.flush()

    def _hparams(self, record: TrialRecord) -> dict[str, str | int | float]:
        """Plain str, int and float. A key that has floats in the space is float in every trial,
        since VisualDL takes a key's type from the first run it reads."""
        space, shown = self.settings.search_space.space, self.settings.stages.shown(record.proposal)
        return {name: plain(value, space[name]) if name in space.names else value
                for name, value in shown.items()}
