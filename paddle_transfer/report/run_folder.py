"""A search as a folder of runs: one a trial (scalars per epoch, hyperparameters with the best
metric), one of the search, one of the ``soup``, one of the ``winner``'s answers on the validation
list, and those of the final trainings: ``final`` with what was found, ``final_best`` and
``final_fixed`` with what each reported, under the trials' tags but ``test/`` for ``eval/``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from paddle_transfer.report.formatting import on_images
from paddle_transfer.report.leaderboard import soup_lines
from paddle_transfer.report.runs import Plain, Run, plain, run_name
from paddle_transfer.space.space import Space
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
        return os.path.exists(f"{self.root}/{name}/{DONE}")

    def name(self, record: TrialRecord) -> str:
        """Of the run of a trial."""
        return run_name(record.number, self._space.used(record.point))

    def catch_up(self, records: Iterable[TrialRecord], search: Run) -> None:
        """Write the runs of finished trials that are not whole; begin the search's own with all.
        Those that an earlier version of this package called otherwise are renamed."""
        there = set(os.listdir(self.root))
        for record in sorted(records, key=lambda record: record.number):
            name, earlier = self.name(record), f"trial_{record.number:04d}"
            if earlier in there:
                (self.root / earlier).rename(self.root / name)
            if record.finished:
                if record.reused is None and not self.is_whole(name):
                    self.write_again(record)
                self.count(record, search)

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
