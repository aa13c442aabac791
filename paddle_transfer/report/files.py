"""What a search leaves in its ``output_dir`` for people and for PaddleClas, rewritten after every trial.

All of it is derived from the study and the trial folders, so a kill at any line loses nothing: the next run
writes it again. Every file is replaced atomically.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from paddle_transfer.config.base import complete, for_trial
from paddle_transfer.config.load import dump_yaml, write_atomic
from paddle_transfer.search.callbacks import is_over
from paddle_transfer.search.confirm import confirming
from paddle_transfer.search.ranking import Leaderboard, Ranker
from paddle_transfer.search.results import PointResult
from paddle_transfer.settings.budget import CONFIRMED
from paddle_transfer.stages.distillation import needed_weights, point_config
from paddle_transfer.study.records import TrialRecord

WEIGHTS = "best_model.pdparams"
#: The student's part of a distilled model's weights, under its own names.
STUDENT = "best_model_student.pdparams"


#: While a Bayesian search runs, the weights of so many more than ``keep_models`` trials stay: one of them may yet win.
SPARE = 5


class Outputs:
    """A listener that keeps ``search_results.csv``, ``search_results.json``, ``best_config.yaml`` and
    ``best_model.pdparams`` up to date and deletes the weights of all but the best ``keep_models`` trials.

    :param ranker: says who is best; one of its own by default
    """

    def __init__(self, settings, *, ranker: Ranker | None = None):
        self.settings = settings
        self.root = Path(settings.output_dir)
        self.ranker = ranker or Ranker(settings)

    def search_started(self, settings, records: Sequence[TrialRecord]) -> None:
        self._write(records)

    def trial_started(self, record: TrialRecord, device: str) -> None:
        """Nothing to write yet."""

    def epoch_reported(self, record: TrialRecord, report) -> None:
        """Nothing to write: results count when a trial has ended."""

    def trial_ended(self, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
        self._write(records)

    def search_ended(self, records: Sequence[TrialRecord], reason: str) -> None:
        self._write(records, reason=reason)

    def _write(self, records: Sequence[TrialRecord], reason: str | None = None) -> None:
        leaderboard = self.ranker.leaderboard(records)
        write_atomic(self.root / "search_results.csv",
                     results_csv(self.settings, records, leaderboard))
        if leaderboard.winner is not None:
            self._write_best(leaderboard, records)
        told = summary(self.settings, records, leaderboard, reason=reason, left=len(
            self.ranker.to_confirm(records)))
        write_atomic(self.root / "search_results.json", json.dumps(told, indent=2) + "\n")
        self._prune_weights(records, leaderboard, over=reason is not None and is_over(reason))

    def _write_best(self, leaderboard: Leaderboard, records: Sequence[TrialRecord]) -> None:
        best, target = leaderboard.winner, self.root / "best_config.yaml"
        header = _header(self.settings, leaderboard)
        for name in (WEIGHTS, STUDENT):
            weights = trial_dir(self.root, best.best.number) / name
            if weights.exists():
                replace_with_link(weights, self.root / name)
            elif not _tells_of(target, best.best):
                (self.root / name).unlink(missing_ok=True)  # another trial's
        if self.settings.keep_models and not (self.root / WEIGHTS).exists():
            header += "Its weights are not kept (keep_models); training this config again gives them\n"
        config = best_config(self.settings, best, records)
        dump_yaml(config, str(target), header=header + config.get("FineTune", {}).get("note", ""))

    def _prune_weights(self, records: Sequence[TrialRecord], leaderboard: Leaderboard, *,
                       over: bool) -> None:
        completed = [
            record for record in records if record.state == "complete" and record.reused is None
        ]
        ranked = sorted(completed, key=lambda record: (-(record.value or 0.0), record.number))
        kept = {record.number for record in ranked[: self.settings.keep_models]}
        if leaderboard.winner is not None:
            kept.add(leaderboard.winner.best.number)
        if not over:
            kept |= self._may_win(records, leaderboard)
        kept |= needed_weights(self.settings, records)
        for record in records:
            if record.finished and record.number not in kept:
                (trial_dir(self.root, record.number) / WEIGHTS).unlink(missing_ok=True)

    def _may_win(self, records: Sequence[TrialRecord], leaderboard: Leaderboard) -> set[int]:
        """The trials of which the next results may yet make the winner: by the model, or by confirming them."""
        key, late = self.settings.space.key, confirming(records, self.settings)
        spare = self.settings.keep_models + SPARE if leaderboard.estimates else 0
        first = [result for result in leaderboard.results if result.value is not None]
        points = {
            key(result.point)
            for result in first[:max(spare, CONFIRMED if self.settings.confirm else 0)]
        }
        points |= {key(record.point) for record in records if record.number in late}
        if self.settings.confirm and self.settings.fixed is not None:
            points.add(key(self.settings.fixed))
        return {record.number for record in records if key(record.point) in points}


def trial_dir(root: Path, number: int) -> Path:
    """The folder of trial ``number``: ``trials/0007``."""
    return Path(root) / "trials" / f"{number:04d}"


def best_config(settings, best: PointResult, records: Sequence[TrialRecord] = ()) -> dict:
    """The flat PaddleClas config that trains ``best`` again, with the seed of its best trial.

    Its ``Global.output_dir`` is ``<output_dir>/best``, so training it does not touch the search's own files.
    """
    device = "gpu" if settings.gpus else "cpu"
    config = complete(point_config(settings, best.point, records=records))
    return for_trial(config, output_dir=os.path.join(settings.output_dir, "best"),
                     seed=best.best.seed, device=device)


def _header(settings, leaderboard: Leaderboard) -> str:
    best, trial = leaderboard.winner, leaderboard.winner.best
    point = ", ".join(f"{name} {value}" for name, value in best.point.items())
    confirmed, estimate = leaderboard.confirmation(best.point), leaderboard.estimate(best.point)
    more = f"{settings.metric} {confirmed} over {len(confirmed.values)} seeds\n" if confirmed else ""
    if estimate is not None:
        more += f"{estimate:.5f} is what the model expects of these settings, without the luck of one training\n"
    return (
        f"Found by paddle_transfer: {point}\n"
        f"{settings.metric} {trial.value:.5f} in trial {trial.number}, epoch {trial.info.get('best_epoch', '?')}, "
        f"seed {trial.seed}\n{more}")


def _tells_of(config: Path, trial: TrialRecord) -> bool:
    """Whether the header of ``best_config.yaml`` names ``trial``."""
    try:
        return f" in trial {trial.number}, " in "".join(
            config.read_text(encoding="utf-8").splitlines(True)[:2])
    except OSError:
        return False


def results_csv(settings, records: Sequence[TrialRecord], leaderboard: Leaderboard) -> str:
    """One row per finished trial in trial order: number, state, metric, rank of its point, epochs, seconds, the point.

    ``reused`` names the earlier trial whose result stands for a suggestion that was not trained again. ``estimate``,
    in a Bayesian search, is what the model expects of the point: the metric without the luck of one training.
    """
    ranks = {
        settings.space.key(result.point): rank
        for rank, result in enumerate(leaderboard.results, start=1)
        if result.value is not None
    }
    out = io.StringIO()
    names, modelled = list(settings.space.names), settings.search_mode == "bayes"
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([
        "trial", "state", settings.metric, *(["estimate"] if modelled else []), "rank",
        "best_epoch", "epochs", *names, "seed", "seconds", "attempts", "reused", "reason"
    ])
    for record in sorted(records, key=lambda record: record.number):
        if not record.finished:
            continue
        info, estimate = record.info, leaderboard.estimate(record.point)
        rank = ranks.get(settings.space.key(record.point), "") if record.state == "complete" else ""
        writer.writerow([
            record.number, record.state,
            _cell(record.value), *([_cell(_rounded(estimate, 6))] if modelled else []), rank,
            _cell(info.get("best_epoch")),
            len(record.curve), *(record.point[name] for name in names), record.seed,
            _cell(_rounded(info.get("seconds"))), record.attempts,
            _cell(record.reused), " ".join(str(info.get("reason", "")).split())
        ])
    return out.getvalue()


def summary(settings, records: Sequence[TrialRecord], leaderboard: Leaderboard, *,
            reason: str | None = None, left: int = 0) -> dict[str, Any]:
    """The outcome as JSON data: why the search ended (null while it runs), the winner and the fixed point, and what
    ``confirm`` found, with ``left_out`` trainings not done (yet)."""
    def point(result: PointResult | None) -> dict[str, Any] | None:
        return result and {
            "point": dict(result.point), "value": result.value, "error": result.error,
            "trials": [trial.number
                       for trial in result.trials], "estimate": leaderboard.estimate(result.point)
        }

    told = {
        "metric": settings.metric, "ended": reason,
        "trials": sum(record.finished for record in records), "winner": point(leaderboard.winner),
        "fixed": point(leaderboard.of(settings.fixed)), "confirm": None
    }
    if settings.confirm:
        told["confirm"] = {
            "trainings": settings.confirm, "left_out": left, "points": [{
                "point": dict(one.point), "mean": one.mean, "error": one.error,
                "values": list(one.values), "seeds": list(one.seeds), "fixed": one
                is leaderboard.confirmation(settings.fixed)
            } for one in leaderboard.confirmed]
        }
    return told


def _cell(value) -> object:
    return "" if value is None else value


def _rounded(number: float | None, digits: int = 1) -> float | None:
    return None if number is None else round(number, digits)


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
