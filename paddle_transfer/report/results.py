"""The content of ``search_results.csv`` and ``search_results.json``."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from paddle_transfer.loop.ranking import Leaderboard
from paddle_transfer.loop.results import PointResult
from paddle_transfer.report.summary import best_at_ends, gain_of
from paddle_transfer.samplers.base import PosteriorSummary
from paddle_transfer.samplers.registry import SAMPLERS
from paddle_transfer.settings.names import header
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.study.records import TrialRecord


def results_csv(settings: SearchSettings, records: Sequence[TrialRecord],
                leaderboard: Leaderboard) -> str:
    """A row for each finished trial, by number: state, metric, rank of its point, the point, ...

    ``also_measure`` adds the metrics of the best epoch on the named lists.
    ``images`` is how many the metric was measured on. ``reused`` names the earlier trial whose
    result stands for a suggestion that was not trained again.
    ``estimate``, in a Bayesian search, is what the model expects of the point: the metric
    without the luck of one training.
    """
    stages = settings.stages
    modelled = SAMPLERS[settings.sampling.sampler.name].has_posterior
    ranks = {trial.number: rank for rank, result in enumerate(leaderboard.results, start=1)
             if result.value is not None for trial in result.trials}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")  # writes None as an empty cell
    writer.writerow(header(settings.objective.metric, stages.names, estimate=modelled,
                           measured=settings.objective.columns))
    for record in sorted(records, key=lambda record: record.number):
        if not record.finished:
            continue
        estimate = _rounded(leaderboard.estimate(record.point), 6)
        trained = record.number if record.reused is None else record.reused
        rank = ranks.get(trained) if record.complete else None
        writer.writerow([
            record.number, str(record.state), record.value, *measured(settings, record),
            record.images,
            *[estimate] * modelled, rank, record.info.get("best_epoch"), len(record.curve),
            *stages.shown(record.proposal).values(), record.seed,
            _rounded(record.info.get("seconds"), 1), record.attempts, record.reused,
            " ".join(str(record.info.get("reason", "")).split())])
    return out.getvalue()


def summary(settings: SearchSettings, records: Sequence[TrialRecord], leaderboard: Leaderboard, *,
            reason: str | None = None, left_out: int = 0, soup: dict[str, Any] | None = None,
            outlook: PosteriorSummary | None = None) -> dict[str, Any]:
    """The outcome as JSON data.

    :param reason: why the search ended; None while it runs
    :param left_out: trainings of ``confirm`` that are not done (yet)
    :param soup: what ``final: {soup: greedy}`` gave, once it has
    :param outlook: what the search's model says of going on
    """
    baseline = settings.search_space.baseline
    gain = gain_of(settings, leaderboard, outlook)
    return {
        "metric": settings.objective.metric, "ended": reason,
        "trials": sum(record.finished for record in records),
        "winner": _point(settings, leaderboard.winner, leaderboard),
        "fixed": _point(settings, leaderboard.of(baseline), leaderboard),
        "gain": gain and gain.as_dict(),
        "at_end_of_axis": {one.name: "largest" if one.largest else "smallest"
                           for one in best_at_ends(settings, leaderboard)},
        "confirm": _confirmation(settings, leaderboard, left_out),
        **({"going_on": {"gain": outlook.gain, "noise": outlook.noise}} if outlook else {}),
        **({"soup": soup} if settings.final and settings.final.soup else {})}


def _point(settings: SearchSettings, result: PointResult | None,
           leaderboard: Leaderboard) -> dict[str, Any] | None:
    if result is None:
        return None
    return {"point": settings.stages.shown(result.proposal), "value": result.value,
            "images": result.images, **_further(settings, result),
            "error": result.error, "trials": [trial.number for trial in result.trials],
            "estimate": leaderboard.estimate(result.point)}


def measured(settings: SearchSettings, record: TrialRecord) -> list[float | None]:
    """The values of the columns that ``also_measure`` adds; None where there is none."""
    found = record.info.get("measured") or {}
    return [found.get(one, {}).get(name) for one, name in settings.objective.measured]


def _further(settings: SearchSettings, result: PointResult) -> dict[str, Any]:
    names = settings.objective.columns
    if not names or result.value is None:
        return {}
    return {"measured": dict(zip(names, measured(settings, result.best), strict=True))}


def _confirmation(settings: SearchSettings, leaderboard: Leaderboard,
                  left_out: int) -> dict[str, Any] | None:
    if not settings.repeats.confirm:
        return None
    baseline = leaderboard.confirmation(settings.search_space.baseline)
    return {"trainings": settings.repeats.confirm, "left_out": left_out, "points": [
        {"point": dict(one.point), "mean": one.mean, "error": one.error, "images": one.images,
         "values": list(one.values), "seeds": list(one.seeds), "fixed": one is baseline}
        for one in leaderboard.confirmed]}


def _rounded(number: float | None, digits: int) -> float | None:
    return None if number is None else round(number, digits)
