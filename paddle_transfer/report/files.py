"""The files that a search leaves in its ``output_dir`` for people and for PaddleClas.

They are derived from the study and the trials' folders, after a trial unless that was done in the
last seconds, and at the end. Each is replaced atomically, so a kill at any line loses nothing: the
next run writes them again.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from paddle_transfer.clock import SteadyClock
from paddle_transfer.config import resolve
from paddle_transfer.config.generated import GeneratedFiles
from paddle_transfer.config.load import write_atomic, yaml_text
from paddle_transfer.config.portable import handed_back
from paddle_transfer.config.validation import Options
from paddle_transfer.loop.callbacks import is_over
from paddle_transfer.loop.confirm import confirming, distinct
from paddle_transfer.loop.ranking import Leaderboard, Ranker
from paddle_transfer.loop.results import PointResult
from paddle_transfer.report.base import Report
from paddle_transfer.report.formatting import on_images
from paddle_transfer.report.leaderboard import soup_lines
from paddle_transfer.report.results import results_csv, summary
from paddle_transfer.settings.budget import CONFIRMED
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.study.records import TrialRecord
from paddle_transfer.study.trial_folder import TrialFolder

#: The config that trains the winner again.
BEST = "best_config.yaml"
#: Seconds between two writes, and how much longer the time between them is than a write takes.
EVERY, SHARE = 2.0, 20
#: While a Bayesian search runs, the weights of so many more than ``keep_models`` trials stay: one
#: of them may yet win.
SPARE = 5


class ResultFiles(Report):
    """Keeps ``search_results.csv``, ``search_results.json``, ``best_config.yaml`` and
    ``best_model.pdparams`` up to date; deletes the weights of all but the best ``keep_models``
    trials."""

    name = "files"
    essential = True

    @property
    def root(self) -> Path:
        return Path(self.settings.output.output_dir)

    @cached_property
    def _files(self) -> GeneratedFiles:
        return GeneratedFiles(self.root)

    @cached_property
    def _said(self) -> set[str]:
        return set()

    def __init__(self, settings: SearchSettings, *, ranker: Ranker, given: Options | None = None,
                 clock: Callable[[], float] = time.monotonic):
        super().__init__(settings, ranker=ranker, given=given)
        self._clock, self._next = SteadyClock(clock), 0.0  # when they may be written again
        self._changed = True  # since they were written
        self._weights: set[int] | None = None  # the trials that may have some; None: any
        self._ended: set[int] = set()  # those that have ended since they were deleted
        self._last: tuple[Sequence[TrialRecord], str] = ((), "")  # how the search ended
        self._soup: dict[str, Any] | None = None

    def search_started(self, records: Sequence[TrialRecord]) -> None:
        self._write(records)

    def trial_ended(self, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
        self._changed = True
        self._ended.add(record.number)
        self.turn_ended(records)

    def turn_ended(self, records: Sequence[TrialRecord]) -> None:
        if self._changed and self._clock() >= self._next:
            self._write(records)

    def search_ended(self, records: Sequence[TrialRecord], reason: str) -> None:
        self._last = records, reason
        self._write(records, reason=reason)

    def soup_ended(self, result: dict[str, Any] | None) -> None:
        self._soup = result
        records, reason = self._last
        self._write(records, reason=reason)

    def _write(self, records: Sequence[TrialRecord], reason: str | None = None) -> None:
        began = self._clock()
        self._write_all(records, reason)
        now, self._changed = self._clock(), False
        self._next = now + max(EVERY, SHARE * (now - began))

    def _write_all(self, records: Sequence[TrialRecord], reason: str | None) -> None:
        settings, leaderboard = self.settings, self.ranker.leaderboard(records)
        if self._changed:
            write_atomic(str(self.root / "search_results.csv"),
                         results_csv(settings, records, leaderboard))
        if leaderboard.winner is not None:
            self._write_best(leaderboard.winner, leaderboard, records)
        data = summary(settings, records, leaderboard, reason=reason,
                       left_out=len(self.ranker.to_confirm(records)), soup=self._soup,
                       outlook=self.ranker.outlook(records))
        write_atomic(str(self.root / "search_results.json"), json.dumps(data, indent=2) + "\n")
        self._delete_weights(records, leaderboard, over=reason is not None and is_over(reason))

    def _write_best(self, best: PointResult, leaderboard: Leaderboard,
                    records: Sequence[TrialRecord]) -> None:
        target, header = self._files.current(BEST), _header(self.settings, best, leaderboard)
        folder = TrialFolder.of(self.root, best.best.number)
        soup = self._soup if self._soup and self._soup["accepted"] else None
        for file in (folder.weights, folder.student_weights, folder.index, folder.predictions):
            souped = soup is not None and file in (folder.weights, folder.predictions)
            source = (self.root / soup["weights"]).with_name(file.name) if soup and souped else file
            if source.exists():
                replace_with_link(source, self.root / file.name)
            elif souped or not _is_of_trial(target, best.best):
                (self.root / file.name).unlink(missing_ok=True)  # another model's
        if self.settings.output.keep_models and not (self.root / folder.weights.name).exists():
            header += ("Its weights are not kept (keep_models); training this config again gives "
                       "them\n")
        header += "".join(f"{line}\n" for line in soup_lines(soup)) if soup else ""
        config = best_config(self.settings, best, records)
        first, metric = resolve.metric(config), self.settings.objective.metric
        if first not in (None, metric):
            header += (f"{metric} is paddle_transfer's own: a training of this config chooses its "
                       f"best epoch by {first}, the first of Metric.Eval\n")
        header += config.get("FineTune", {}).get("note", "")
        if folder.index.exists():
            header += f"Its classifier is in {folder.index.name}: {config['Transfer']['note']}\n"
        self._files.write(BEST, yaml_text(config, header=header))
        for note in self._files.notes():
            if note not in self._said:
                self._said.add(note)
                print(note, file=sys.stderr, flush=True)

    def _delete_weights(self, records: Sequence[TrialRecord], leaderboard: Leaderboard, *,
                        over: bool) -> None:
        completed = [one for one in records if one.complete and one.reused is None]
        ranked = sorted(completed, key=lambda record: (-(record.value or 0.0), record.number))
        kept = {record.number for record in ranked[:self.settings.output.keep_models]}
        if leaderboard.winner is not None:
            kept.add(leaderboard.winner.best.number)
            if self.settings.final and self.settings.final.soup:
                kept |= {trial.number for trial in leaderboard.winner.trials}
        if not over:
            kept |= self._may_win(records, leaderboard)
        kept |= self.settings.stages.needed_weights(records)
        ended = (self._weights | self._ended if self._weights is not None else
                 {record.number for record in records if record.finished})
        for number in ended - kept:
            TrialFolder.of(self.root, number).delete_models()
        self._weights, self._ended = ended & kept, set()

    def _may_win(self, records: Sequence[TrialRecord], leaderboard: Leaderboard) -> set[int]:
        """The trials of the points that the next results may make the winner: by the model, or by
        confirming them."""
        settings, space = self.settings, self.settings.search_space
        key, late = space.space.key, confirming(records, settings.repeats)
        spare = settings.output.keep_models + SPARE if leaderboard.estimates else 0
        ranked = [result for result in leaderboard.results if result.value is not None]
        count = max(spare, CONFIRMED if settings.repeats.confirm else 0)
        points = {key(result.point) for result in (
            *ranked[:count], *(distinct(ranked, space.space, count) if settings.repeats.confirm
                               else ()))}
        points |= {key(record.point) for record in records if record.number in late}
        if settings.repeats.confirm and space.baseline is not None:
            points.add(key(space.baseline))
        return {record.number for record in records if key(record.point) in points} if points else (
            set())


def best_config(settings: SearchSettings, best: PointResult,
                records: Sequence[TrialRecord] = ()) -> dict[str, Any]:
    """The flat PaddleClas config that trains ``best`` again, with the seed of its best trial.

    Its ``Global.output_dir`` is ``<output_dir>/best``, which spares the search's own files.
    """
    return handed_back(settings.stages.config_of(best.best, records),
                       output_dir=os.path.join(settings.output.output_dir, "best"),
                       seed=best.best.seed, device=settings.devices.kind,
                       metric=settings.objective.metric)


def _header(settings: SearchSettings, best: PointResult, leaderboard: Leaderboard) -> str:
    trial, metric = best.best, settings.objective.metric
    shown = settings.stages.trained_with(best.proposal)
    point = ", ".join(f"{name} {value}" for name, value in shown.items())
    text = (f"Found by paddle_transfer: {point}\n"
            f"{metric} {trial.value:.5f}{on_images(trial.images)} in trial {trial.number}, epoch "
            f"{trial.info.get('best_epoch', '?')}, seed {trial.seed}\n")
    count = settings.devices.processes
    if count > 1:
        text += (f"{count} devices trained it together, with batch_size images on each: give its "
                 f"training to paddle.distributed.launch with as many\n")
    if trial.accumulate > 1:
        text += (f"Out of memory with the batch of these settings: trained with 1 / "
                 f"{trial.accumulate} of it, and the gradients of {trial.accumulate} batches added "
                 "up (Global.update_freq)\n")
    confirmed, estimate = leaderboard.confirmation(best.point), leaderboard.estimate(best.point)
    if confirmed:
        text += f"{metric} {confirmed} over {len(confirmed.values)} seeds\n"
    if estimate is not None:
        text += (f"{estimate:.5f} is what the model expects of these settings, without the luck of "
                 "one training\n")
    return text


def _is_of_trial(config: Path, trial: TrialRecord) -> bool:
    """Whether the header of ``best_config.yaml`` names ``trial``."""
    try:
        head = config.read_text(encoding="utf-8").splitlines(True)[:2]
    except OSError:
        return False
    return f" in trial {trial.number}, " in "".join(head)


def replace_with_link(source: Path, target: Path) -> None:
    """Make ``target`` the same file as ``source``, atomically: a hard link where the file system
    has them (weights are large), else a copy."""
    if target.exists() and os.path.samefile(source, target):
        return
    aside = target.with_name(f"{target.name}.tmp{os.getpid()}")
    aside.unlink(missing_ok=True)
    try:
        os.link(source, aside)
    except OSError:
        shutil.copyfile(source, aside)
    os.replace(aside, target)
