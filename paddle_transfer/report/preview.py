"""What ``--dry-run`` prints: the space, the trials that are known beforehand, one whole config.

Needs neither Paddle nor the libraries of the search, so it answers at once.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from paddle_transfer.config.base import complete
from paddle_transfer.config.load import dump_text
from paddle_transfer.config.portable import for_trial
from paddle_transfer.config.pretrained import NAMES, is_none, wanted_weights
from paddle_transfer.errors import counted
from paddle_transfer.report.config_diff import difference
from paddle_transfer.report.forecast import (
    confirm_text,
    first_points,
    grid_point,
    grid_size,
    most_trials,
    task_lines,
    total_text,
)
from paddle_transfer.report.formatting import columns
from paddle_transfer.samplers.base import LEAST_TRIALS
from paddle_transfer.samplers.registry import SAMPLERS
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.space.space import Point
from paddle_transfer.study.records import Proposal, Stage
from paddle_transfer.weights.errors import WeightsError

#: A longer list of trials is cut in its middle.
FULL_LIST = 200
#: How many trials stand before and after the cut.
HEAD, TAIL = 20, 5
#: How many values of a key are shown.
VALUES = 40

Row = tuple[str, ...]


def preview(settings: SearchSettings, *, colour: bool = False) -> str:
    """The whole text, several lines.

    :param colour: colour the differences, for a terminal
    """
    points, keys = first_points(settings), settings.search_space.keys
    trials = _steps(settings) if settings.plan else _trials(settings, points)
    base, trial = complete(settings.base.config), trial_config(settings, Proposal(points[0]))
    return "\n".join([
        *_header(settings), "", "Hyperparameters", *_table([_key_row(key) for key in keys]), "",
        *trials, "", f"What trial 0 changes in {settings.base.file}", "",
        *difference(base, trial, colour=colour), "",
        *_final_run(settings, colour=colour), "Config of trial 0", "", dump_text(trial)])


def trial_config(settings: SearchSettings, proposal: Proposal, *,
                 number: str = "0000") -> dict[str, Any]:
    """The config of the first training of ``proposal``."""
    folder = os.path.join(settings.output.output_dir, "trials", number)
    return for_trial(settings.stages.config(proposal), output_dir=folder,
                     seed=settings.repeats.seed, device=settings.devices.kind)


def _final_run(settings: SearchSettings, *, colour: bool) -> list[str]:
    """What the distillation that ends a greedy search changes in its own config."""
    if settings.distillation is None or settings.plan is None:
        return []
    first = {key.name: key.values[0] for key in settings.plan.keys}
    student = Proposal(first, Stage.FINAL, next(iter(settings.plan.teachers), None))
    config = trial_config(settings, student, number="NNNN")
    distillation = settings.distillation
    return [f"What the final run would change in {distillation.config_file} if the first of all "
            "values were the best", "",
            *difference(complete(distillation.config), config, colour=colour), ""]


# -- the head ------------------------------------------------------------------------------------

def _header(settings: SearchSettings) -> list[str]:
    sampling, slots = settings.sampling, settings.devices.slots
    rows = [("Search", f"{sampling.sampler.name}, {settings.file}"),
            ("Base config", settings.base.file), ("Space", _size(settings)),
            ("Budget", _budget(settings)), ("Limits", _limits(settings)), ("Stop", _stop(settings)),
            ("Confirm", confirm_text(settings)), ("In all", total_text(settings)),
            ("Pruner", _pruner(settings)),
            *(("Learns from", line) for line in task_lines(settings)),
            ("Prior", "shipped: of recorded searches" if sampling.prior == "shipped" else ""),
            ("Metric", f"{settings.objective.metric}, maximised"), ("Then", _final(settings)),
            ("Devices", f"{', '.join(slots)} ({len(slots)} at once)"),
            ("Results in", settings.output.output_dir),
            *(("Note", note) for note in settings.notes),
            *(("Warning", f"a real run stops here: {one}")
              for one in (*settings.warnings, *_absent_weights(settings)))]
    return _table([row for row in rows if row[1]])


def _absent_weights(settings: SearchSettings) -> list[str]:
    """What is wrong with the file of weights that the base config names; those that a search or
    the section Transfer names are looked for when they are read."""
    wanted = wanted_weights(settings.base.config)
    if wanted is None or wanted.spec in NAMES or "://" in wanted.spec or is_none(wanted.spec):
        return []
    from paddle_transfer.weights.resolve import local_file  # late: numpy

    try:
        local_file(wanted.spec)
    except WeightsError as error:
        return [f"{wanted.where}: {error}"]
    return []


def _size(settings: SearchSettings) -> str:
    plan = settings.plan
    if plan is None:
        size = settings.search_space.space.size
        return "continuous" if size is None else counted(size, "point")
    values = " + ".join(str(key.size) for key in plan.keys)
    teachers = f", {counted(len(plan.teachers), 'teacher')}" if plan.teachers else ""
    one = sum(key.size for key in plan.keys) == 1
    return (f"{counted(len(plan.keys), 'key')} one after the other, {values} "
            f"{'value' if one else 'values'}{teachers}"
            + (", 1 final run" if plan.final else ""))


def _budget(settings: SearchSettings) -> str:
    points, repeats = settings.budget.max_iter, settings.repeats
    times, seed = repeats.search_times, repeats.seed
    if settings.plan:
        points = min(points, settings.plan.suggestions)
    text = f"at most {counted(points, 'point')}"
    if times > 1:
        once = " (teacher and final run once)" if settings.distillation else ""
        text += f", each trained {times} times (seeds {seed} to {seed + times - 1}){once}"
        text += f", {counted(most_trials(settings), 'training')}"
    timeout = settings.devices.trial_timeout
    return text + (f", {timeout:g} seconds each at most" if timeout else "")


def _limits(settings: SearchSettings) -> str:
    hours, epochs = settings.budget.time_budget, settings.budget.epoch_budget
    limits = (f"{hours:g} hours of searching" if hours is not None else "",
              f"{counted(epochs, 'epoch')} in all" if epochs is not None else "")
    return " and ".join(filter(None, limits))


def _stop(settings: SearchSettings) -> str:
    return "" if settings.sampling.stop != "auto" else (
        f"auto: after {LEAST_TRIALS} points or more, when one more training is expected to gain "
        "little beside the noise of a seed")


def _pruner(settings: SearchSettings) -> str:
    if not settings.pruner:
        return ""
    name, options = settings.pruner.name, settings.pruner.options
    given = ", ".join(f"{key}: {value}" for key, value in options.items())
    own = ": hopeless trainings are broken off" if name == "auto" else ""
    return name + own + (f" ({given})" if given else "")


def _final(settings: SearchSettings) -> str:
    baseline = " and the fixed" if settings.search_space.baseline else ""
    if settings.final is not None and settings.final.soup:
        return ("a greedy soup of the weights of the best trials, where that is better on "
                "DataLoader.Eval")
    return "" if settings.final is None else (
        f"the best{baseline} point again on {settings.final.retrain_on}, tested once")


# -- the tables ----------------------------------------------------------------------------------

def _key_row(key: SearchKey) -> Row:
    hyperparameter = key.hyperparameter
    if isinstance(hyperparameter, Choice):
        first, more = hyperparameter.values[:VALUES], hyperparameter.size - VALUES
        values = ", ".join(map(str, first)) + (f" and {more} more" if more > 0 else "")
    else:
        whole = ", whole" if hyperparameter.integer else ""
        values = f"{hyperparameter.low} to {hyperparameter.high}{whole}"
    axis = ", log axis" if hyperparameter.log else ""
    return key.name, values + axis, "edits " + ", ".join(key.edits)


def _trials(settings: SearchSettings, points: Sequence[Point]) -> list[str]:
    """A row for every point that is known; a long list is cut in its middle."""
    sampler = SAMPLERS[settings.sampling.sampler.name]
    head = "Trials" if sampler.exhaustive else "The first trials"
    if sampler.uses_results:
        head += " (what follows depends on their results)"
    times, names = settings.repeats.search_times, settings.search_space.space.names
    known = dict(enumerate(points))
    count = grid_size(settings) if sampler.exhaustive else len(points)
    if count > FULL_LIST:
        shown = [*range(HEAD), *range(count - TAIL, count)]
        known = {i: grid_point(settings, i) for i in shown}
    rows = [(str(i * times), *(str(point[name]) for name in names)) for i, point in known.items()]
    if count > FULL_LIST:
        rows.insert(HEAD, ("...", *("" for _ in names)))
    lines = [head, *_table([("trial", *names), *rows])]
    if settings.search_space.baseline is not None:
        lines[2] += "   (the fixed point)"
    return lines


def _steps(settings: SearchSettings) -> list[str]:
    """A row for every training of a greedy search, in PaddleClas's order."""
    plan, seed = settings.plan, settings.repeats.seed
    assert plan is not None, "a greedy search has a plan"
    rows: list[Row] = [("step", "value", "seed", "")]
    for key in plan.keys:
        for value in key.values:
            known = ("the base config's own: trained in the step before"
                     if plan.known(key, value) else "")
            rows += [(key.name, str(value), str(seed + repeat), known)
                     for repeat in range(settings.repeats.search_times)]
    rows += [("teacher", name, str(seed), "") for name in plan.teachers]
    if plan.final and settings.distillation:
        how = "from the best teacher" if plan.teachers else "teacher and student together"
        rows.append(("final", settings.distillation.config_file, str(seed), how))
    if len(rows) > FULL_LIST:
        rows[HEAD:-TAIL] = [("...", "", "", "")]
    return ["Trainings (each step begins with the best values of those before it)", *_table(rows)]


def _table(rows: Sequence[Row]) -> list[str]:
    return columns(rows, indent="  ")
