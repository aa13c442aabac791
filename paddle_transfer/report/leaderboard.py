"""The end of a search as text: the best points, their errors on other lists, the final
trainings."""

from __future__ import annotations

from typing import Any

from paddle_transfer.loop.final import TITLES
from paddle_transfer.loop.ranking import Leaderboard
from paddle_transfer.loop.results import PointResult
from paddle_transfer.report.formatting import columns, is_accuracy, on_images, show_value
from paddle_transfer.settings.search_file import SearchSettings


def error_lines(settings: SearchSettings, leaderboard: Leaderboard, top: int = 10) -> list[str]:
    """The errors of the best ``top`` points on the lists of ``also_measure``, in percent; []
    without that key, or without accuracies."""
    objective = settings.objective
    pairs = [(one, name) for one in ("val", *objective.also_measure)
             for name in (objective.metric, *objective.others) if is_accuracy(name)]
    if not objective.also_measure or not pairs:
        return []
    rows = [["rank", *settings.stages.names, *(f"{one} {name}" for one, name in pairs)]]
    for rank, result in enumerate(completed_points(leaderboard)[:top], start=1):
        found = result.best.info.get("measured") or {}
        used = settings.stages.trained_with(result.proposal)
        values = [found.get(one, {}).get(name) for one, name in pairs]
        rows.append([str(rank), *(show_value(used[name]) if name in used else ""
                                  for name in settings.stages.names),
                     *("" if value is None else f"{100 * (1 - value):.1f}" for value in values)])
    return ["Errors in % (val is the list of DataLoader.Eval), of the best epoch:",
            *columns(rows), ""]


def leaderboard_rows(settings: SearchSettings, leaderboard: Leaderboard,
                     top: int = 10) -> list[list[str]]:
    """The cells of the table, its header first; [] while no trial has completed.

    The row of the fixed point is there however low it ranks. Columns without a value are left out.
    """
    completed = completed_points(leaderboard)
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


def completed_points(leaderboard: Leaderboard) -> list[PointResult]:
    """Those with a metric, best first."""
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
