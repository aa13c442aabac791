"""VisualDL: one run per trial (scalars per epoch, hyperparameters with the best metric), and one for the search.

What VisualDL 2.5 needs, all measured: the hyper-parameters page shows the *last* value of a metric's tag, so the
running best is written under a tag of its own; only the newest record file of a directory is shown, so a directory
holds one file of a fixed name; only the first hparams record of a directory counts; bool, numpy and list values are
refused, so they become text; ``%`` in a tag raises.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Optional, Sequence

from paddle_transfer.study.records import TrialRecord

RECORD_FILE = "vdlrecords.0000000001.log"  # VisualDL finds files by "vdlrecords" in their name
DONE = ".complete"  # a trial's directory that needs no rewriting when the search goes on


class VisualDLTracker:
    """A listener that writes ``<output_dir>/vdl``.

    Directories of finished trials stay as they are; what a kill left half written is written again from the study.
    """

    def __init__(self, settings):
        self.settings = settings
        self.root = Path(settings.output_dir) / "vdl"
        self.metric = settings.metric.replace("%", "percent")
        self._writers: dict[int, "_Run"] = {}
        self._search: Optional["_Run"] = None
        self._done = 0
        self._best: Optional[float] = None

    def search_started(self, settings, records: Sequence[TrialRecord]) -> None:
        self._search = _Run(self.root / "search")
        for record in sorted(records, key=lambda record: record.number):
            if record.finished:
                if record.reused is None:
                    self._rewrite(record)
                self._count(record)

    def trial_started(self, record: TrialRecord, device: str) -> None:
        self._close(record.number)
        self._writers[record.number] = _Run(self._directory(record))

    def epoch_reported(self, record: TrialRecord, report) -> None:
        run = self._writers.get(record.number)
        if run is None:
            return
        run.hparams(self._hparams(record.point), [self._best_tag])
        run.epoch(report.epoch, report.value, report.scalars, metric=self.metric, best_tag=self._best_tag)

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
        run = _Run(self._directory(record))
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
        return {name: _plain(value, self.settings.space[name]) for name, value in point.items()}


def _plain(value, hyperparameter):
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and hyperparameter.ordered:
        whole = all(isinstance(other, int) for other in getattr(hyperparameter, "values", ())) and isinstance(value, int)
        return value if whole else float(value)
    return json.dumps(value) if not isinstance(value, bool) else str(value)


class _Run:
    """One VisualDL run directory, begun anew."""

    def __init__(self, directory: Path):
        from visualdl import LogWriter

        shutil.rmtree(directory, ignore_errors=True)
        self._writer = LogWriter(logdir=str(directory), file_name=RECORD_FILE, flush_secs=5)
        self._best: Optional[float] = None
        self._has_hparams = False

    def hparams(self, hparams: dict, metrics: list[str]) -> None:
        if not self._has_hparams:
            self._writer.add_hparams(hparams, metrics)
            self._has_hparams = True

    def scalar(self, tag: str, value: float, step: int) -> None:
        self._writer.add_scalar(tag=tag.replace("%", "percent"), value=float(value), step=int(step))

    def text(self, tag: str, text: str, step: int) -> None:
        self._writer.add_text(tag=tag, text_string=text, step=int(step))

    def epoch(self, epoch: int, value: float, scalars: dict, *, metric: str, best_tag: str) -> None:
        self._best = value if self._best is None else max(self._best, value)
        for tag, number in {f"eval/{metric}": value, **scalars}.items():
            self.scalar(tag, number, epoch)
        self.scalar(best_tag, self._best, epoch)
        self.flush()

    def flush(self) -> None:
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()
