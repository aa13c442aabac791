"""A search as a folder of runs: one a trial (scalars per epoch, hyperparameters with the best
metric), one of the search, one of the ``soup``, one of the ``winner``'s answers on the validation
list, and those of the final trainings: ``final`` with what was found, ``final_best`` and
``final_fixed`` with what each reported, under the trials' tags but ``test/`` for ``eval/``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from paddle_transfer.config.validation import Options
from paddle_transfer.executors.base import EpochReport
from paddle_transfer.loop.ranking import Ranker
from paddle_transfer.report.base import Report
from paddle_transfer.report.formatting import on_images
from paddle_transfer.report.leaderboard import soup_lines
from paddle_transfer.report.runs import Plain, Run, plain, run_name
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.space.blocks import active_names
from paddle_transfer.space.space import Point, Space
from paddle_transfer.study.records import TrialRecord

IMAGES = "images"  # beside the hyperparameters: how many the metric was measured on
DONE = ".complete"  # a directory that needs no rewriting when the search goes on


class RunFolder:
    """
    :param kind: of the runs, which says for which tool they are
    :param metric: its name
    """

    def __init__(self, root: Path, kind: type[Run], *, metric: str, space: Space):
        self.root, self.metric = root, metric.replace("%", "percent")
        self._kind, self._space = kind, space
        self.open: dict[str, Run] = {}  # of the trainings under way, by directory
        self._done = 0
        self._best: float | None = None

    def begin(self, name: str) -> Run:
        """Begin a run anew, whatever an earlier attempt has written."""
        if name in self.open:
            self.open.pop(name).close()
        self.open[name] = self._kind(self.root / name)
        return self.open[name]

    def end(self, name: str) -> None:
        """End a run as a whole one."""
        self.open.pop(name).close()
        (self.root / name / DONE).touch()

    def close(self) -> None:
        for name in list(self.open):
            self.open.pop(name).close()

    def is_whole(self, name: str) -> bool:
        return (self.root / name / DONE).exists()

    def name(self, record: TrialRecord) -> str:
        """Of the run of a trial."""
        active = active_names(self._space.hyperparameters, record.point)
        return run_name(record.number, {name: value for name, value in record.point.items()
                                        if name in active})

    def adopt(self, record: TrialRecord) -> None:
        """Take over the run that an earlier version of this package called otherwise."""
        earlier = self.root / f"trial_{record.number:04d}"
        if earlier.is_dir():
            earlier.rename(self.root / self.name(record))

    def write_again(self, record: TrialRecord) -> None:
        """The run of a finished trial from its record."""
        run = self.begin(self.name(record))
        self.write_hparams(run, record, record.images)
        for epoch, value in record.curve:
            self.write_epoch(run, epoch, value, {})
        self.end(self.name(record))

    def write_epoch(self, run: Run, epoch: int, value: float, scalars: Mapping[str, float]
                    ) -> None:
        """The metric of an epoch, its other scalars, and the best metric so far."""
        run.best = max(value, run.best)
        for tag, number in {f"eval/{self.metric}": value, **scalars,
                            f"best/{self.metric}": run.best}.items():
            run.scalar(tag, number, epoch)
        run.flush()

    def write_hparams(self, run: Run, record: TrialRecord, images: int | None) -> None:
        """The point of a trial, and how many images its metric is measured on."""
        point: dict[str, Plain] = {name: plain(value, self._space[name])
                                   for name, value in record.point.items()}
        run.hparams(point if images is None else {**point, IMAGES: images}, f"best/{self.metric}")

    def count(self, record: TrialRecord, run: Run) -> None:
        """Add a finished trial to the run of the search."""
        self._done += 1
        if record.complete and record.value is not None:
            self._best = record.value if self._best is None else max(self._best, record.value)
            run.scalar(f"search/{self.metric}", record.value, self._done)
        if self._best is not None:
            run.scalar(f"search/best_{self.metric}", self._best, self._done)
        run.scalar("search/trials_done", self._done, self._done)

    def end_search(self, reason: str) -> None:
        self.open["search"].text("search/ended", reason, self._done)
        self.close()

    def write_final(self, results: Mapping[str, Any], begun: Sequence[str] = ()) -> None:
        """:param begun: the runs of the final trainings that were trained now"""
        trained = {name: results[name] for name in ("best", "fixed") if name in results}
        run = self.begin("final")
        for name, result in trained.items():
            run.scalar(f"final/{name}_{self.metric}", result["test"], result["epoch"])
            if name == "best" or result != results["best"]:  # a point that is both trained once
                self._complete(f"final_{name}", result, begun=f"final_{name}" in begun)
        run.text("final", "\n".join(
            f"{name}: test {self.metric} {result['test']:.4f}{on_images(result.get('images'))}, "
            + json.dumps(result["point"])
            for name, result in trained.items()))
        self.open.pop("final").close()

    def write_soup(self, result: Mapping[str, Any]) -> None:
        run = self.begin("soup")
        for number, step in enumerate(result.get("steps", ()), start=1):
            if step["value"] is not None:
                run.scalar(f"soup/{self.metric}", step["value"], number)
        run.text("soup", "\n".join(soup_lines(dict(result))))
        self.open.pop("soup").close()

    def _complete(self, name: str, result: Mapping[str, Any], *, begun: bool) -> None:
        """Mark a final training's run as whole; write it again when an earlier search trained it
        and was killed."""
        if not begun and not self.is_whole(name):
            run = self.begin(name)
            run.text("point", json.dumps(result["point"]))
            run.scalar(f"test/{self.metric}", result["test"], result["epoch"])
            self.open.pop(name).close()
        (self.root / name / DONE).touch()


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
        for record in sorted(records, key=lambda record: record.number):
            self.runs.adopt(record)
            if record.finished:
                if record.reused is None and not self.runs.is_whole(self.runs.name(record)):
                    self.runs.write_again(record)
                self.runs.count(record, run)
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
        if search is not None:
            self.runs.count(record, search)
            search.flush()

    def search_ended(self, records: Sequence[TrialRecord], reason: str) -> None:
        if "search" in self.runs.open:
            self.runs.end_search(reason)

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
