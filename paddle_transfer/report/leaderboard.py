"""The end of a search as text: the best points, the gain over the fixed point, how the trials
ended, the final trainings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from paddle_transfer.config import resolve
from paddle_transfer.config.base import MEAN_PER_CLASS
from paddle_transfer.loop.confirm import Confirmed
from paddle_transfer.loop.failures import cause_lines, causes
from paddle_transfer.loop.final import TITLES
from paddle_transfer.loop.ranking import Leaderboard
from paddle_transfer.loop.results import PointResult, standard_error
from paddle_transfer.report.formatting import columns, on_images, show_value
from paddle_transfer.samplers.base import PosteriorSummary
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.study.records import TrialRecord, trained

#: Accuracies for which guessing gives one of the number of classes.
GUESSED = ("top1", "mean_per_class")


def leaderboard_lines(settings: SearchSettings, records: Sequence[TrialRecord],
                      leaderboard: Leaderboard, top: int = 10) -> list[str]:
    """All of it: an empty line, the table of the best ``top`` points, a summary."""
    table = leaderboard_rows(settings, leaderboard, top)
    if not table:
        return ["No trial completed."]
    return ["", *columns(table), "", *error_lines(settings, leaderboard, top),
            *summary_lines(settings, records, leaderboard)]


def error_lines(settings: SearchSettings, leaderboard: Leaderboard, top: int = 10) -> list[str]:
    """The errors of the best ``top`` points on the lists of ``also_measure``, in percent; []
    without that key, or without accuracies."""
    objective = settings.objective
    pairs = [(one, name) for one in ("val", *objective.also_measure)
             for name in (objective.metric, *objective.others) if is_accuracy(name)]
    if not objective.also_measure or not pairs:
        return []
    rows = [["rank", *settings.stages.names, *(f"{one} {name}" for one, name in pairs)]]
    for rank, result in enumerate(_completed(leaderboard)[:top], start=1):
        found = result.best.info.get("measured") or {}
        used = settings.stages.trained_with(result.proposal)
        values = [found.get(one, {}).get(name) for one, name in pairs]
        rows.append([str(rank), *(show_value(used[name]) if name in used else ""
                                  for name in settings.stages.names),
                     *("" if value is None else f"{100 * (1 - value):.1f}" for value in values)])
    return ["Errors in % (val is the list of DataLoader.Eval), of the best epoch:",
            *columns(rows), ""]


def is_accuracy(name: str) -> bool:
    return name == MEAN_PER_CLASS or (name.startswith("top") and name[3:].isdecimal())


def leaderboard_rows(settings: SearchSettings, leaderboard: Leaderboard,
                     top: int = 10) -> list[list[str]]:
    """The cells of the table, its header first; [] while no trial has completed.

    The row of the fixed point is there however low it ranks. Columns without a value are left out.
    """
    completed = _completed(leaderboard)
    if not completed:
        return []
    baseline = leaderboard.of(settings.search_space.baseline)
    shown = list(enumerate(completed, start=1))
    rows = [_row(settings, rank, result, leaderboard) for rank, result in shown
            if rank <= top or result is baseline]
    header = ["rank", settings.objective.metric, "estimate", "trial", "epoch",
              *settings.stages.names, "weights", ""]
    used = [i for i, name in enumerate(header)
            if name not in ("estimate", "weights") or any(row[i] for row in rows)]
    return [[row[i] for i in used] for row in (header, *rows)]


def summary_lines(settings: SearchSettings, records: Sequence[TrialRecord],
                  leaderboard: Leaderboard) -> list[str]:
    """The gain over the fixed point, what ``confirm`` gave, how many trials ended how."""
    completed, metric = _completed(leaderboard), settings.objective.metric
    best, baseline = completed[0], leaderboard.of(settings.search_space.baseline)
    classes = best.best.info.get("classes") if metric == MEAN_PER_CLASS else None
    line = f"Best {metric} {best.value:.4f}{on_images(best.images, classes)}"
    if baseline is not None and baseline.value is not None and best.value is not None:
        gain = 100 * (best.value - baseline.value)
        line += f", fixed point {baseline.value:.4f}: a gain of {gain:+.2f} points"
    return [f"{line}.", *_guessing(settings, best), *_reason_for_best(completed, leaderboard),
            *_confirmation(settings, leaderboard), *_trial_counts(records)]


def outlook_line(settings: SearchSettings, view: PosteriorSummary | None) -> str:
    """What going on is worth by the search's model (``Ranker.outlook``); empty without one, and
    when no point is left."""
    if view is None or not 0.0 < view.gain < float("inf"):
        return ""
    told = view.going_on(in_points=is_accuracy(settings.objective.metric))
    return f"{told[0].upper()}{told[1:]}."


def _completed(leaderboard: Leaderboard) -> list[PointResult]:
    return [result for result in leaderboard.results if result.value is not None]


def _row(settings: SearchSettings, rank: int, result: PointResult,
         leaderboard: Leaderboard) -> list[str]:
    value = f"{result.value:.4f}" + (f" ± {result.error:.4f}" if result.error is not None else "")
    baseline = leaderboard.of(settings.search_space.baseline)
    used = settings.stages.trained_with(result.proposal)
    estimate, best = leaderboard.estimate(result.point), result.best
    return [str(rank), value, "" if estimate is None else f"{estimate:.4f}", str(best.number),
            str(best.info.get("best_epoch", "")),
            *(show_value(used[name]) if name in used else "" for name in settings.stages.names),
            str((best.info.get("pretrained") or {}).get("short", "")),  # 10w, 320/322
            "fixed point" if result is baseline else ""]


def _guessing(settings: SearchSettings, best: PointResult) -> list[str]:
    """A warning when the best accuracy is that of a coin with a side for every class."""
    classes = resolve.outputs(settings.base.config)
    if settings.objective.metric not in GUESSED or not classes or best.value is None:
        return []
    return [f"No point is better than guessing one of the {classes} classes ({1 / classes:.4f}): "
            "nothing was learnt. Train for more epochs, or search other learning rates."
            ] if best.value <= 1 / classes + 1e-6 else []


def _reason_for_best(completed: Sequence[PointResult], leaderboard: Leaderboard) -> list[str]:
    """Why the winner is not the point with the best observed value, when it is not."""
    winner, luckiest = completed[0], max(completed, key=lambda result: result.value or 0.0)
    if (leaderboard.confirmed or leaderboard.estimate(winner.point) is None
            or luckiest.value == winner.value):
        return []
    return ["Ranked by estimate: what the model expects of the settings, without the luck of one "
            f"training (trial {luckiest.best.number} got {luckiest.value:.4f})."]


def _confirmation(settings: SearchSettings, leaderboard: Leaderboard) -> list[str]:
    """The point found beside the fixed one, by their means over seeds."""
    if not leaderboard.confirmed:
        return []
    found = leaderboard.confirmed[0]
    baseline = leaderboard.confirmation(settings.search_space.baseline)
    end = (", which is the fixed point" if baseline is found
           else f", fixed {baseline}" if baseline is not None else "")
    lines = [f"Confirmed {settings.objective.metric}: found {found} ({len(found.values)} seeds)"
             + end]
    if (baseline is not None and baseline is not found
            and len(found.values) == len(baseline.values) == len(found.seeds)):
        lines.append(_gain(found, baseline))
    return lines


def _gain(found: Confirmed, baseline: Confirmed) -> str:
    """The gain seed by seed: both were trained with the same ones."""
    gains = [100 * (one - other) for one, other in zip(found.values, baseline.values, strict=True)]
    mean, error = sum(gains) / len(gains), standard_error(gains) or 0.0
    doubt = "" if mean > error else ", which is no more than the luck of the seeds"
    return f"That is a gain of {mean:+.2f} ± {error:.2f} points over the same seeds{doubt}."


def _trial_counts(records: Sequence[TrialRecord]) -> list[str]:
    """How many trials ended how, and why some failed, each cause once."""
    trainings = trained(records)
    counts = {state: sum(record.state == state for record in trainings)
              for state in ("complete", "pruned", "diverged", "failed")}
    counts["reused"] = sum(record.reused is not None for record in records)
    text = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    return [f"Trials: {text}.", *(f"  failed, {line}" for line in cause_lines(causes(records)))]


def final_lines(results: dict[str, Any]) -> list[str]:
    """The test metrics of ``final.json``: the point found beside the fixed point."""
    metric, best, fixed = results["metric"], results["best"], results.get("fixed")
    lines = [f"Trained again on {results['retrain_on']}, tested once:",
             f"  {TITLES['best']}  test {metric} {best['test']:.4f}"
             + on_images(best.get("images"))]
    if fixed is not None and fixed == best:
        lines.append("  (it is the fixed point)")
    elif fixed is not None:
        gain = 100 * (best["test"] - fixed["test"])
        lines += [f"  {TITLES['fixed']}  test {metric} {fixed['test']:.4f}"
                  + on_images(fixed.get("images")),
                  f"A gain of {gain:+.2f} points on the test list."]
    return lines


def soup_lines(soup: dict[str, Any]) -> list[str]:
    """What ``final: {soup: greedy}`` gave (``soup`` of ``search_results.json``), for people."""
    metric, single, test = soup["metric"], soup.get("single") or {}, soup.get("test") or {}
    if soup["accepted"]:
        numbers = ", ".join(map(str, soup["trials"]))
        lines = [f"best_model.pdparams is the mean of the weights of trials {numbers} (a greedy "
                 f"soup): {metric} {soup['value']:.4f}{on_images(soup['images'])}, the best single "
                 f"one (trial {single['trial']}) {single['value']:.4f}.",
                 "These images chose its members, so that figure is a little too good."]
        if soup["statistics"]:
            lines.append(f"The statistics of {soup['statistics']} BatchNorm layers were taken "
                         "anew.")
    else:
        lines = [f"No soup: {soup['reason']}. best_model.pdparams has the winner's weights."]
    if test:
        mine = f"soup {test['soup']:.4f}, " if soup["accepted"] else ""
        lines.append(f"On the test list, which chose nothing: {mine}trial {single['trial']} "
                     f"{test['single']:.4f}{on_images(test['images'])}.")
    return lines
