"""VisualDL: one run per trial (scalars per epoch, hyperparameters with the best metric), one for the search, and
those of the final trainings.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from paddle_transfer.report.visualdl_final import FinalPages
from paddle_transfer.report.visualdl_run import DONE, Run, plain
from paddle_transfer.study.records import TrialRecord


class VisualDLTracker(FinalPages):
    """A listener that writes ``<output_dir>/vdl``.

    Directories of finished trials stay as they are; what a kill left half written is written again from the study.
    """

    def __init__(self, settings):
        super().__init__(Path(settings.output_dir) / "vdl", settings.metric.replace("%", "percent"))
        self.settings = settings
        self._writers: dict[int, Run] = {}
        self._search: Run | None = None
        self._done = 0
        self._best: float | None = None

    def search_started(self, settings, records: Sequence[TrialRecord]) -> None:
        self._search = Run(self.root / "search")
        for record in sorted(records, key=lambda record: record.number):
            if record.finished:
                if record.reused is None:
                    self._rewrite(record)
                self._count(record)

    def trial_started(self, record: TrialRecord, device: str) -> None:
        self._close(record.number)
        self._writers[record.number] = Run(self._directory(record))

    def epoch_reported(self, record: TrialRecord, report) -> None:
        run = self._writers.get(record.number)
        if run is None:
            return
        run.hparams(self._hparams(record.point), [self._best_tag])
        run.epoch(report.epoch, report.value, report.scalars, metric=self.metric,
                  best_tag=self._best_tag)

    def trial_ended(self, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
        run = self._writers.get(record.number)
        if run is not None:
            run.hparams(self._hparams(record.point), [self._best_tag])
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

    # -- inside --------------------------------------------------------------------------------------------------

    @property
    def _best_tag(self) -> str:
        return f"best/{self.metric}"

    def _directory(self, record: TrialRecord) -> Path:
        return self.root / f"trial_{record.number:04d}"

    def _close(self, number: int) -> None:
        run = self._writers.pop(number, None)
        if run is not None:
            run.close()

    def _rewrite(self, record: TrialRecord) -> None:
        if (self._directory(record) / DONE).exists():
            return
        run = Run(self._directory(record))
        run.hparams(self._hparams(record.point), [self._best_tag])
        for epoch, value in record.curve:
            run.epoch(epoch, value, {}, metric=self.metric, best_tag=self._best_tag)
        run.close()
        (self._directory(record) / DONE).touch()

    def _count(self, record: TrialRecord) -> None:
        self._done += 1
        if record.state == "complete" and record.value is not None:
            self._best = record.value if self._best is None else max(self._best, record.value)
            self._search.scalar(f"search/{self.metric}", record.value, self._done)
        if self._best is not None:
            self._search.scalar(f"search/best_{self.metric}", self._best, self._done)
        self._search.scalar("search/trials_done", self._done, self._done)
        self._search.flush()

    def _hparams(self, point: dict) -> dict:
        """Plain str, int and float; a key that has floats in the space is float in every trial, since VisualDL takes
        a key's type from the first run it reads."""
        return {name: plain(value, self.settings.space[name]) for name, value in point.items()}
