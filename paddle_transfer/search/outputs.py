"""What a search leaves in its ``output_dir`` for people and for PaddleClas, rewritten after every trial.

All of it is derived from the study and the trial folders, so a kill at any line loses nothing: the next run
writes it again. Every file is replaced atomically.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
from pathlib import Path
from typing import Optional, Sequence

from paddle_transfer.config.base import complete, for_trial
from paddle_transfer.config.load import dump_yaml, write_atomic
from paddle_transfer.search.distill import needed_weights, point_config
from paddle_transfer.search.results import PointResult, point_results, winner
from paddle_transfer.study.records import TrialRecord

WEIGHTS = "best_model.pdparams"
#: The student's part of a distilled model's weights, under its own names.
STUDENT = "best_model_student.pdparams"


class Outputs:
    """A listener that keeps ``search_results.csv``, ``best_config.yaml`` and ``best_model.pdparams`` up to date and
    deletes the weights of all but the best ``keep_models`` trials."""

    def __init__(self, settings):
        self.settings = settings
        self.root = Path(settings.output_dir)

    def search_started(self, settings, records: Sequence[TrialRecord]) -> None:
        self._write(records)

    def trial_started(self, record: TrialRecord, device: str) -> None:
        """Nothing to write yet."""

    def epoch_reported(self, record: TrialRecord, report) -> None:
        """Nothing to write: results count when a trial has ended."""

    def trial_ended(self, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
        self._write(records)

    def search_ended(self, records: Sequence[TrialRecord], reason: str) -> None:
        self._write(records)

    def _write(self, records: Sequence[TrialRecord]) -> None:
        write_atomic(self.root / "search_results.csv", results_csv(self.settings, records))
        best = winner(self.settings.space, records)
        if best is not None:
            self._write_best(best, records)
        self._prune_weights(records, best)

    def _write_best(self, best: PointResult, records: Sequence[TrialRecord]) -> None:
        for name in (WEIGHTS, STUDENT):
            weights = trial_dir(self.root, best.best.number) / name
            if weights.exists():
                replace_with_link(weights, self.root / name)
        config = best_config(self.settings, best, records)
        header = _header(self.settings, best) + config.get("FineTune", {}).get("note", "")
        dump_yaml(config, str(self.root / "best_config.yaml"), header=header)

    def _prune_weights(self, records: Sequence[TrialRecord], best: Optional[PointResult]) -> None:
        completed = [record for record in records if record.state == "complete" and record.reused is None]
        ranked = sorted(completed, key=lambda record: (-(record.value or 0.0), record.number))
        kept = {record.number for record in ranked[: self.settings.keep_models]}
        if best is not None:
            kept.add(best.best.number)
        kept |= needed_weights(self.settings, records)
        for record in records:
            if record.finished and record.number not in kept:
                (trial_dir(self.root, record.number) / WEIGHTS).unlink(missing_ok=True)


def trial_dir(root: Path, number: int) -> Path:
    """The folder of trial ``number``: ``trials/0007``."""
    return Path(root) / "trials" / f"{number:04d}"


def best_config(settings, best: PointResult, records: Sequence[TrialRecord] = ()) -> dict:
    """The flat PaddleClas config that trains ``best`` again, with the seed of its best trial.

    Its ``Global.output_dir`` is ``<output_dir>/best``, so training it does not touch the search's own files.
    """
    device = "gpu" if settings.gpus else "cpu"
    config = complete(point_config(settings, best.point, records=records))
    return for_trial(config, output_dir=os.path.join(settings.output_dir, "best"), seed=best.best.seed, device=device)


def _header(settings, best: PointResult) -> str:
    point = ", ".join(f"{name} {value}" for name, value in best.point.items())
    trial = best.best
    return (f"Found by paddle_transfer: {point}\n"
            f"{settings.metric} {trial.value:.5f} in trial {trial.number}, epoch {trial.info.get('best_epoch', '?')}, "
            f"seed {trial.seed}\n")


def results_csv(settings, records: Sequence[TrialRecord]) -> str:
    """One row per finished trial in trial order: number, state, metric, rank of its point, epochs, seconds, the point.

    ``reused`` names the earlier trial whose result stands for a suggestion that was not trained again.
    """
    ranks = {settings.space.key(result.point): rank
             for rank, result in enumerate(point_results(settings.space, records), start=1) if result.value is not None}
    out = io.StringIO()
    names = list(settings.space.names)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["trial", "state", settings.metric, "rank", "best_epoch", "epochs", *names, "seed", "seconds",
                     "attempts", "reused", "reason"])
    for record in sorted(records, key=lambda record: record.number):
        if not record.finished:
            continue
        info = record.info
        rank = ranks.get(settings.space.key(record.point), "") if record.state == "complete" else ""
        writer.writerow([record.number, record.state, _cell(record.value), rank, _cell(info.get("best_epoch")),
                         len(record.curve), *(record.point[name] for name in names), record.seed,
                         _cell(_rounded(info.get("seconds"))), record.attempts, _cell(record.reused),
                         " ".join(str(info.get("reason", "")).split())])
    return out.getvalue()


def _cell(value) -> object:
    return "" if value is None else value


def _rounded(seconds: Optional[float]) -> Optional[float]:
    return None if seconds is None else round(seconds, 1)


def replace_with_link(source: Path, target: Path) -> None:
    """Make ``target`` the same file as ``source``, atomically: a hard link where the file system has them (weights are
    large), else a copy."""
    if target.exists() and os.path.samefile(source, target):
        return
    aside = target.with_name(f"{target.name}.tmp{os.getpid()}")
    aside.unlink(missing_ok=True)
    try:
        os.link(source, aside)
    except OSError:
        shutil.copyfile(source, aside)
    os.replace(aside, target)
