"""The sections of the page as plain data: what the templates and the plots are given."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from paddle_transfer.loop.callbacks import INTERRUPTED, is_over
from paddle_transfer.loop.failures import causes
from paddle_transfer.loop.saved_ranking import read_json
from paddle_transfer.loop.stopping import SECONDS
from paddle_transfer.report.formatting import duration, show_point, show_value
from paddle_transfer.report.gain import Gain
from paddle_transfer.report.html.data import SearchData
from paddle_transfer.report.html.figures.progress import Progress, Trained
from paddle_transfer.study.records import TrialState

#: Why a search ends, as ``loop`` says it; the page says it in two languages.
REASONS = {key: re.compile(form) for key, form in {
    "ended_max_iter": r"max_iter \((?P<count>\d+)\) suggestions were evaluated",
    "ended_space": r"all (?P<count>\d+) points of the space were evaluated",
    "ended_auto": r"stop auto: one more training is expected to gain (?P<gain>[\d.]+) points; the "
                  r"noise of one seed is (?P<noise>[\d.]+) points",
    "ended_time": r"time_budget \((?P<hours>[\d.]+) h\) is spent",
    "ended_interrupted": INTERRUPTED}.items()}
#: Rows of a long table that are seen at once.
SHOWN = 15
#: Rows of the leaderboard, and points of one cause of failures.
ROWS, POINTS = 500, 50


def progress_of(data: SearchData, *, noise: float | None = None) -> Progress:
    """The trainings in their order, for the plots.

    :param noise: of one training, where the search itself has told none
    """
    start = min((begun for begun, _ in data.times.values()), default=0.0)
    best = data.best.best_trial.number if data.best else None
    fixed = data.baseline.trials if data.baseline else ()
    going_on: Mapping[str, float] = data.told.get("going_on") or {}
    return Progress(data.metric, tuple(
        Trained(record.number, str(record.state), record.value, data.used(record.point),
                record.curve, str(record.info.get("device", "")) or "–",
                _span(data, record.number, start), record.number == best, record.number in fixed)
        for record in data.trainings), going_on.get("noise", noise), going_on.get("gain"))


def _span(data: SearchData, number: int, start: float) -> tuple[float, float] | None:
    times = data.times.get(number)
    return None if times is None else (times[0] - start, times[1] - start)


def answer(data: SearchData) -> dict[str, Any]:
    """What was found, how sure that is, what it cost, why the search ended."""
    best, fixed, gain = data.best, data.baseline, data.gain
    scale = 100.0 if data.in_points else 1.0
    return {"best": best, "fixed": fixed, "status": _status(data),
            "settings": list(_settings(data)), "gain": gain and _gain(gain, scale),
            "unit": "points" if data.in_points else "",
            "ended": data.ended and told_reason(data.ended),
            "counts": counts(data), "cost": cost(data),
            "tested": tested(data), "soup": souped(data),
            "seeds": seeds_of_best(data),
            "classes": best.best_trial.info.get("classes") if best else None}


def told_reason(reason: str) -> tuple[str, dict[str, str]]:
    """(text, its values) of why a search ended; the text ``ended_else`` for what is not known."""
    for key, form in REASONS.items():
        found = form.fullmatch(reason)
        if found is not None:
            return key, found.groupdict()
    return "ended_else", {"reason": reason}


def tested(data: SearchData) -> list[tuple[str, float, int | None]]:
    """(text, metric, images) of what was measured on the test list, which has chosen nothing."""
    final = read_json(data.output_dir / "final.json")
    test = (data.told.get("soup") or {}).get("test") or {}
    found = [(f"tested_{name}", (final.get(name) or {}).get("test"),
              (final.get(name) or {}).get("images")) for name in ("best", "fixed")]
    found += [(f"tested_{name}", test.get(name), test.get("images")) for name in ("soup", "single")]
    return [(key, float(value), images) for key, value, images in found if value is not None]


def souped(data: SearchData) -> dict[str, str] | None:
    """What ``final: {soup: greedy}`` made of the best trials, where it was accepted."""
    soup = data.told.get("soup") or {}
    if not soup.get("accepted"):
        return None
    return {"trials": ", ".join(map(str, soup["trials"])), "value": f"{soup['value']:.4f}",
            "images": str(soup.get("images") or "?"), "trial": str(soup["single"]["trial"]),
            "single": f"{soup['single']['value']:.4f}"}


def _gain(gain: Gain, scale: float) -> dict[str, Any]:
    digits = 2 if scale > 1 else 4
    return {"value": gain.value, "error": gain.error, "source": gain.source,
            "trainings": gain.trainings, "images": gain.images, "sure": str(gain.sureness),
            "text": f"{scale * gain.value:+.{digits}f}",
            "error_text": None if gain.error is None else f"{scale * gain.error:.{digits}f}"}


def seeds_of_best(data: SearchData) -> dict[str, str] | None:
    """Where the best point was trained more than once: how often, and the training whose weights
    are kept."""
    best = data.best
    whole = best and sum(data.records[number].complete for number in best.trials)
    return None if best is None or not whole or whole < 2 else {
        "count": str(whole), "trial": str(best.best_trial.number),
        "value": f"{best.best_trial.value:.4f}", "mean": f"{best.value:.4f}"}


def _status(data: SearchData) -> str:
    """``done``, ``interrupted``, ``failed`` or ``running``."""
    if data.ended is None:
        return "running"
    if is_over(data.ended):
        return "done"
    return "interrupted" if data.ended == INTERRUPTED else "failed"


def _settings(data: SearchData) -> Iterator[dict[str, Any]]:
    """What was found beside the fixed point, setting by setting."""
    if data.best is None:
        return
    found = data.used(data.best.point)
    fixed = data.used(data.baseline.point) if data.baseline else {}
    for name in data.names:
        mine, other = found.get(name), fixed.get(name)
        if name in found or name in fixed:
            yield {"name": name, "found": show_value(mine) if name in found else "–",
                   "fixed": show_value(other) if name in fixed else "–",
                   "changed": (name in found, mine) != (name in fixed, other)}


def counts(data: SearchData) -> dict[str, int]:
    """How many trainings ended how."""
    found = {str(state): sum(record.state is state for record in data.trainings)
             for state in TrialState}
    reused = sum(record.reused is not None for record in data.records)
    return {state: count for state, count in {**found, "reused": reused}.items() if count}


def cost(data: SearchData) -> dict[str, str]:
    """Time of all trainings together, and of the search."""
    seconds = sum(float(record.info.get("seconds") or 0.0) for record in data.trainings)
    searched = data.attributes.get(SECONDS) or 0.0
    return {"devices": duration(seconds) if seconds else "",
            "wall": duration(searched) if searched else ""}


def leaderboard(data: SearchData) -> dict[str, Any]:
    """The table of the points, best first."""
    rows = []
    for row in data.ranking[:ROWS]:
        used, trial = data.used(row.point), row.best_trial
        rows.append({
            "rank": row.rank, "value": row.value, "error": row.error, "estimate": row.estimate,
            "is_baseline": row.is_baseline, "trial": trial.number, "trials": len(row.trials),
            "epoch": trial.info.get("best_epoch"), "seconds": trial.info.get("seconds"),
            "images": row.images,
            "point": [(show_value(used[name]) if name in used else "–", _sortable(used.get(name)))
                      for name in data.names]})
    numeric = {h.name: h.ordered for h in data.saved.space.hyperparameters}
    return {"rows": rows, "names": data.names, "numeric": numeric, "shown": SHOWN,
            "count": len(data.ranking),
            "has_estimate": any(row["estimate"] is not None for row in rows)}


def _sortable(value: Any) -> Any:
    """The number of a value that is one, else text."""
    return value if isinstance(value, (int, float)) else "" if value is None else show_value(value)


def failures(data: SearchData) -> list[dict[str, Any]]:
    """The trainings without a metric, those of one cause together."""
    found = {record.number: record for record in data.trainings
             if record.finished and not record.state.has_value}
    return [{"state": str(found[one.numbers[0]].state), "reason": " ".join(one.text.split()),
             "points": [(number, show_point(data.used(found[number].point)))
                        for number in one.numbers[:POINTS]], "count": len(one.numbers)}
            for one in causes(data.records, (TrialState.DIVERGED, TrialState.FAILED))]
