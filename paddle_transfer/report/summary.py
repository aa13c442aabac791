"""What is said of a search at its end: the gain over the fixed point and whether it is sure, how
the trials ended, whether going on is worth it, where the space may be too small."""

from __future__ import annotations

from collections.abc import Sequence

from paddle_transfer.config import resolve
from paddle_transfer.config.base import MEAN_PER_CLASS
from paddle_transfer.loop.confirm import Confirmed
from paddle_transfer.loop.failures import cause_lines, causes
from paddle_transfer.loop.ranking import Leaderboard
from paddle_transfer.loop.results import PointResult
from paddle_transfer.report.ends import End, ends_of
from paddle_transfer.report.formatting import columns, is_accuracy, on_images
from paddle_transfer.report.gain import Gain, gain_over, gain_text, gains_by_seed, verdict_text
from paddle_transfer.report.leaderboard import completed_points, error_lines, leaderboard_rows
from paddle_transfer.samplers.base import PosteriorSummary
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.study.records import TrialRecord, trained

#: Accuracies for which guessing gives one of the number of classes.
GUESSED = ("top1", "mean_per_class")


def leaderboard_lines(settings: SearchSettings, records: Sequence[TrialRecord],
                      leaderboard: Leaderboard, top: int = 10, *,
                      outlook: PosteriorSummary | None = None) -> list[str]:
    """All of it: an empty line, the table of the best ``top`` points, a summary."""
    table = leaderboard_rows(settings, leaderboard, top)
    if not table:
        return ["No trial completed."]
    return ["", *columns(table), "", *error_lines(settings, leaderboard, top),
            *summary_lines(settings, records, leaderboard, outlook)]


def summary_lines(settings: SearchSettings, records: Sequence[TrialRecord],
                  leaderboard: Leaderboard, outlook: PosteriorSummary | None = None) -> list[str]:
    """The gain over the fixed point and whether it is sure, what ``confirm`` gave, how many trials
    ended how, whether going on is worth it, and where the space may be too small.

    :param outlook: ``Ranker.outlook``
    """
    completed, metric = completed_points(leaderboard), settings.objective.metric
    best, baseline = completed[0], leaderboard.of(settings.search_space.baseline)
    classes = best.best.info.get("classes") if metric == MEAN_PER_CLASS else None
    line = f"Best {metric} {best.value:.4f}{on_images(best.images, classes)}"
    gain = gain_of(settings, leaderboard, outlook)
    if gain is not None and baseline is not None:
        line += f", fixed point {baseline.value:.4f}: a gain of {gain_text(gain, metric)}"
    elif baseline is best:
        line += ", which is the fixed point"
    going_on = outlook_line(settings, outlook)
    return [f"{line}.", *([verdict_text(gain)] if gain else []), *_guessing(settings, best),
            *_reason_for_best(completed, leaderboard), *_confirmation(settings, leaderboard),
            *_trial_counts(records), *([going_on] if going_on else []),
            *_ends(settings, leaderboard)]


def gain_of(settings: SearchSettings, leaderboard: Leaderboard,
            outlook: PosteriorSummary | None) -> Gain | None:
    """The gain over the fixed point; None without two different points that have a result."""
    found, fixed = leaderboard.winner, leaderboard.of(settings.search_space.baseline)
    if found is None or fixed is None or fixed.value is None or fixed is found:
        return None
    by_seed = gains_by_seed(*(_by_seed(leaderboard.confirmation(one.point))
                              for one in (fixed, found)))
    return gain_over(fixed, found, metric=settings.objective.metric, by_seed=by_seed,
                     noise=outlook.noise if outlook else None)


def _by_seed(one: Confirmed | None) -> dict[int, float]:
    """Seed -> metric; {} where a training failed, whose seed is not known."""
    whole = one is not None and len(one.seeds) == len(one.values)
    return dict(zip(one.seeds, one.values, strict=True)) if one is not None and whole else {}


def best_at_ends(settings: SearchSettings, leaderboard: Leaderboard) -> tuple[End, ...]:
    """Where the space may be too small: the best value is at the end of its axis."""
    winner = leaderboard.winner
    return () if winner is None else ends_of(settings.search_space.space.hyperparameters,
                                             settings.stages.trained_with(winner.proposal))


def _ends(settings: SearchSettings, leaderboard: Leaderboard) -> list[str]:
    found = best_at_ends(settings, leaderboard)
    if not found:
        return []
    return [*(f"{one.text}." for one in found),
            "A wider space is another search: give it an output_dir of its own, and "
            f"warm_start: [{settings.output.output_dir}] to learn from this one."]


def outlook_line(settings: SearchSettings, view: PosteriorSummary | None) -> str:
    """What going on is worth by the search's model (``Ranker.outlook``); empty without one, and
    when no point is left."""
    if view is None or not 0.0 < view.gain < float("inf"):
        return ""
    told = view.going_on(in_points=is_accuracy(settings.objective.metric))
    if view.gain >= view.tolerance:
        return f"Going on in this space may be worth it: {told}."
    return (f"Going on in this space is hardly worth it: {told}." if view.enough else
            f"Too few points have a result to say whether going on is worth it: {told}.")


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
    return [f"Confirmed {settings.objective.metric}: found {found} ({len(found.values)} seeds)"
            + end]


def _trial_counts(records: Sequence[TrialRecord]) -> list[str]:
    """How many trials ended how, and why some failed, each cause once."""
    trainings = trained(records)
    counts = {state: sum(record.state == state for record in trainings)
              for state in ("complete", "pruned", "diverged", "failed")}
    counts["reused"] = sum(record.reused is not None for record in records)
    text = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    return [f"Trials: {text}.", *(f"  failed, {line}" for line in cause_lines(causes(records)))]
