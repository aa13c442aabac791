"""VisualDL: one run per trial (scalars per epoch, hyperparameters with the best metric), one of the
search, one of the ``soup``, and those of the final trainings: ``final`` with what was found,
``final_best`` and ``final_fixed`` with what each reported, under the trials' tags but ``test/`` for
``eval/``.

What VisualDL 2.5 needs, all measured: the hyper-parameters page shows the *last* value of a
metric's tag, so the running best has a tag of its own; only the newest record file of a directory
is shown, so a directory holds one file of a fixed name; only the first hparams record of a
directory counts, and takes a key's type from the first run; bool, numpy and list values are
refused, so they become text; ``%`` in a tag raises.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from paddle_transfer.config.validation import Options
from paddle_transfer.executors.base import EpochReport
from paddle_transfer.hardware import writable_home
from paddle_transfer.loop.ranking import Ranker
from paddle_transfer.report.base import Report
from paddle_transfer.report.formatting import on_images
from paddle_transfer.report.leaderboard import soup_lines
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.space.hyperparameter import Choice, Hyperparameter, Value
from paddle_transfer.space.space import Point
from paddle_transfer.study.records import TrialRecord

with writable_home():  # it writes there while it is imported
    from visualdl.component import base_component
    from visualdl.utils.md5_util import md5
    from visualdl.writer.record_writer import RecordWriter

RECORD_FILE = "vdlrecords.0000000001.log"  # VisualDL finds files by "vdlrecords" in their name
IMAGES = "images"  # beside the hyperparameters: how many the metric was measured on
DONE = ".complete"  # a directory that needs no rewriting when the search goes on


class VisualDL(Report):
    """Writes ``<output_dir>/vdl``.

    Directories of finished trainings stay as they are; what a kill left half written is written
    again from the study.
    """

    name = "visualdl"

    def __init__(self, settings: SearchSettings, *, ranker: Ranker, given: Options | None = None):
        super().__init__(settings, ranker=ranker, given=given)
        self.root = Path(settings.output.output_dir) / "vdl"
        self.metric = settings.objective.metric.replace("%", "percent")
        self._runs: dict[str, Run] = {}  # of the trainings under way, by directory
        self._search: Run | None = None
        self._done = 0
        self._best: float | None = None

    def search_started(self, records: Sequence[TrialRecord]) -> None:
        self._search = Run(self.root / "search")
        for record in sorted(records, key=lambda record: record.number):
            if record.finished:
                if record.reused is None and not (self.root / _name(record) / DONE).exists():
                    self._write_again(record)
                self._count(record)
        self._search.flush()

    def trial_started(self, record: TrialRecord, device: str) -> None:
        self._begin(_name(record))

    def epoch_reported(self, record: TrialRecord, report: EpochReport) -> None:
        run = self._runs.get(_name(record))
        if run is not None:
            run.hparams(self._hparams(record, report.images), f"best/{self.metric}")
            self._write_epoch(run, report.epoch, report.value, report.scalars)

    def trial_ended(self, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
        run = self._runs.get(_name(record))
        if run is not None:
            run.hparams(self._hparams(record, record.images), f"best/{self.metric}")
            self._end(_name(record))
        elif record.reused is None:  # its result was found on disk
            self._write_again(record)
        self._count(record)
        if self._search is not None:
            self._search.flush()

    def search_ended(self, records: Sequence[TrialRecord], reason: str) -> None:
        for name in list(self._runs):
            self._runs.pop(name).close()
        if self._search is not None:
            self._search.text("search/ended", reason, self._done)
            self._search.close()
            self._search = None

    def final_training_started(self, name: str, point: Point) -> None:
        self._begin(f"final_{name}").text("point", json.dumps(point))

    def final_epoch_reported(self, name: str, report: EpochReport) -> None:
        run = self._runs.get(f"final_{name}")
        if run is None:
            return
        for tag, value in {f"eval/{self.metric}": report.value, **report.scalars}.items():
            test_tag = f"test/{tag.removeprefix('eval/')}" if tag.startswith("eval/") else tag
            run.scalar(test_tag, value, report.epoch)
        if report.images is not None:
            run.scalar("test/images", report.images, report.epoch)
        run.flush()

    def final_ended(self, results: dict[str, Any] | None) -> None:
        begun = [name for name in self._runs if name.startswith("final_")]
        for name in begun:
            self._runs.pop(name).close()
        if results is None:
            return
        trained = {name: results[name] for name in ("best", "fixed") if name in results}
        run = Run(self.root / "final")
        for name, result in trained.items():
            run.scalar(f"final/{name}_{self.metric}", result["test"], result["epoch"])
            if name == "best" or result != results["best"]:  # a point that is both trained once
                self._complete(f"final_{name}", result, begun=f"final_{name}" in begun)
        run.text("final", "\n".join(
            f"{name}: test {self.metric} {result['test']:.4f}{on_images(result.get('images'))}, "
            + json.dumps(result["point"])
            for name, result in trained.items()))
        run.close()

    def soup_ended(self, result: dict[str, Any] | None) -> None:
        if result is None:
            return
        run = Run(self.root / "soup")
        for number, step in enumerate(result.get("steps", ()), start=1):
            if step["value"] is not None:
                run.scalar(f"soup/{self.metric}", step["value"], number)
        run.text("soup", "\n".join(soup_lines(result)))
        run.close()

    # -- inside ----------------------------------------------------------------------------------

    def _begin(self, name: str) -> Run:
        """Begin a run anew, whatever an earlier attempt has written."""
        if name in self._runs:
            self._runs.pop(name).close()
        self._runs[name] = Run(self.root / name)
        return self._runs[name]

    def _end(self, name: str) -> None:
        """End a run as a whole one."""
        self._runs.pop(name).close()
        (self.root / name / DONE).touch()

    def _write_again(self, record: TrialRecord) -> None:
        """The run of a finished trial from its record."""
        run = self._begin(_name(record))
        run.hparams(self._hparams(record, record.images), f"best/{self.metric}")
        for epoch, value in record.curve:
            self._write_epoch(run, epoch, value, {})
        self._end(_name(record))

    def _write_epoch(self, run: Run, epoch: int, value: float, scalars: Mapping[str, float]
                     ) -> None:
        """The metric of an epoch, its other scalars, and the best metric so far."""
        run.best = max(value, run.best)
        for tag, number in {f"eval/{self.metric}": value, **scalars,
                            f"best/{self.metric}": run.best}.items():
            run.scalar(tag, number, epoch)
        run.flush()

    def _complete(self, name: str, result: dict[str, Any], *, begun: bool) -> None:
        """Mark a final training's run as whole; write it again when an earlier search trained it
        and was killed."""
        if not begun and not (self.root / name / DONE).exists():
            run = self._begin(name)
            run.text("point", json.dumps(result["point"]))
            run.scalar(f"test/{self.metric}", result["test"], result["epoch"])
            self._runs.pop(name).close()
        (self.root / name / DONE).touch()

    def _count(self, record: TrialRecord) -> None:
        """Add a finished trial to the run of the search."""
        assert self._search is not None, "the search has started"
        self._done += 1
        if record.complete and record.value is not None:
            self._best = record.value if self._best is None else max(self._best, record.value)
            self._search.scalar(f"search/{self.metric}", record.value, self._done)
        if self._best is not None:
            self._search.scalar(f"search/best_{self.metric}", self._best, self._done)
        self._search.scalar("search/trials_done", self._done, self._done)

    def _hparams(self, record: TrialRecord, images: int | None) -> dict[str, str | int | float]:
        """The point of a trial, and how many images its metric is measured on."""
        space = self.settings.search_space.space
        point = {name: plain(value, space[name]) for name, value in record.point.items()}
        return point if images is None else {**point, IMAGES: images}


class Run:
    """One VisualDL run directory, begun anew. Raises OSError where nothing more can be written.

    VisualDL's own writer would print that for every record and go on; it has a thread for every
    run, and waits for it."""

    def __init__(self, directory: Path):
        try:
            directory.mkdir(parents=True)
        except FileExistsError:
            shutil.rmtree(directory)
            directory.mkdir()
        self._path = directory / RECORD_FILE
        self._file = open(self._path, "wb")  # noqa: SIM115 (as long as the run is under way)
        self._records = RecordWriter(self._file)
        self.best = float("-inf")
        self._has_hparams = False
        self._add(base_component.meta_data(walltime=_now()))

    def close(self) -> None:
        self._file.close()

    def flush(self) -> None:
        self._file.flush()

    def hparams(self, hparams: Mapping[str, str | int | float], metric_tag: str) -> None:
        """The run's hyperparameters; a second call changes nothing."""
        if not self._has_hparams:
            self._add(base_component.hparam(md5(str(self._path)), dict(hparams), [metric_tag],
                                            _now()))
            self._has_hparams = True

    def scalar(self, tag: str, value: float, step: int) -> None:
        self._add(base_component.scalar(tag.replace("%", "percent"), float(value), int(step),
                                        _now()))

    def text(self, tag: str, text: str, step: int = 0) -> None:
        self._add(base_component.text(tag, text, int(step), _now()))

    def _add(self, record: Any) -> None:
        self._records.write(record.SerializeToString())


def _now() -> int:
    """Milliseconds."""
    return round(1000 * time.time())


def plain(value: Value, hyperparameter: Hyperparameter) -> str | int | float:
    """``value`` as VisualDL takes it: int where all values are whole numbers, float for other
    numbers, else text."""
    if isinstance(value, (str, bool)):
        return str(value)
    if isinstance(value, (int, float)) and hyperparameter.ordered:
        values = hyperparameter.values if isinstance(hyperparameter, Choice) else ()
        whole = isinstance(value, int) and all(isinstance(other, int) for other in values)
        return value if whole else float(value)
    return json.dumps(value)


def _name(record: TrialRecord) -> str:
    return f"trial_{record.number:04d}"
