"""What ``tools/search.py --dry-run`` prints: the space, the trials that are known beforehand, one merged config.

Needs neither Paddle nor the libraries of the search, so it answers at once.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator

from paddle_transfer.config.base import complete, for_trial
from paddle_transfer.config.load import dump_text
from paddle_transfer.samplers.base import LEAST_TRIALS
from paddle_transfer.samplers.registry import make_sampler
from paddle_transfer.search.warm_start import load_tasks
from paddle_transfer.settings.budget import CONFIRMED
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.space.catalog import SearchKey
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.space import Point
from paddle_transfer.stages.distillation import point_config
from paddle_transfer.stages.plan import NO_TEACHER, STAGE, TEACHER

#: A longer list of trials is cut in its middle.
FULL_LIST = 200

#: How many trials stand before and after the cut.
HEAD, TAIL = 20, 5

#: How many first points of a random search are shown.
RANDOM_POINTS = 10


def preview(settings: SearchSettings, *, colour: bool = False) -> str:
    """The whole text, several lines.

    :param colour: whether the differences are coloured, for a terminal
    """
    points = first_points(settings)
    trials = _steps(settings) if settings.plan else _trials(settings,
                                                            list(numbered(settings, points)))
    base, trial = complete(settings.base_config), _trial_config(settings, points[0])
    parts = [
        *_header(settings), "", "Hyperparameters", *_table(map(_key_row, settings.keys)), "",
        *trials, "", f"What trial 0 changes in {settings.base_config_file}", "",
        *difference(base, trial, colour=colour), ""
    ]
    if settings.distillation:
        file = settings.distillation.config_file
        final = {
            **points[0], **settings.plan.first, **{
                key.name: key.values[0] for key in settings.plan.keys
            }, TEACHER: (*settings.plan.teachers, NO_TEACHER)[0], STAGE: "final"
        }
        parts += [
            f"What the final run would change in {file} if the first of all values were the best",
            "", *difference(complete(settings.distillation.config),
                            _trial_config(settings, final, number="NNNN"), colour=colour), ""
        ]
    return "\n".join([*parts, "Config of trial 0", "", dump_text(trial)])


def difference(old: dict, new: dict, *, colour: bool = False) -> list[str]:
    """The parts of two configs, as YAML, that differ, with two lines around each; above it, in place of line numbers,
    the path of its section (``@@ DataLoader.Train.dataset``)."""
    before, after = dump_text(old).splitlines(), dump_text(new).splitlines()
    lines: list[str] = []
    for group in difflib.SequenceMatcher(None, before, after,
                                         autojunk=False).get_grouped_opcodes(2):
        kind, i, _, j, _ = next(part for part in group if part[0] != "equal")
        lines.append(f"@@ {_place(after, j) if kind == 'insert' else _place(before, i)}")
        lines += difflib.ndiff(before[group[0][1]:group[-1][2]], after[group[0][3]:group[-1][4]])
    lines = [line for line in lines if not line.startswith("?")]
    codes = {"-": "31", "+": "32", "@": "36"}
    if colour:
        lines = [
            f"\033[{codes[line[0]]}m{line}\033[0m" if line[0] in codes else line for line in lines
        ]
    return lines or ["  nothing"]


def _place(lines: list[str], at: int) -> str:
    """The keys that line ``at`` of a YAML text is under, by indentation."""
    above: list[tuple[int, str]] = []
    for line in lines[:at + 1]:
        bare = line.lstrip(" -")
        indent = len(line) - len(bare)
        while above and above[-1][0] >= indent:
            above.pop()
        above.append((indent, bare.partition(":")[0]))
    return ".".join(key for _, key in above[:-1]) or above[-1][1]


def first_points(settings: SearchSettings) -> list[Point]:
    """The points that are known before there are results, in the order of their trials.

    grid: all of them up to max_iter, the fixed one first. random: the first few draws. bayes: those that do not
    depend on results, one per slot and at least two. greedy: the values of the first key.
    """
    if settings.search_mode == "grid":
        return list(_grid(settings))
    if settings.plan:
        return [{**settings.plan.first, settings.plan.keys[0].name: value}
                for value in settings.plan.keys[0].values]
    count = RANDOM_POINTS if settings.search_mode == "random" else max(2, len(settings.devices.slots))
    component = settings.sampling.sampler
    sampler = make_sampler(component.name, options=component.options, baseline=settings.fixed,
                           allow_repeats=not settings.de_duplication, prior=settings.prior,
                           past_tasks=load_tasks(settings))
    points: list[Point] = []
    while len(points) < min(count, settings.max_iter):
        point = sampler.suggest(settings.space, [], points, seed=settings.seed)
        if point is None:
            break
        points.append(point)
    return points


def _grid(settings: SearchSettings) -> Iterator[Point]:
    space, fixed = settings.space, settings.fixed
    first = space.index(fixed) if fixed is not None else 0
    for number in range(min(space.size, settings.max_iter)):
        # the fixed point comes first; those that stood before it move up by one
        yield space.point(first if number == 0 else number - 1 if number <= first else number)


def numbered(settings: SearchSettings, points: list[Point]) -> Iterator[tuple[str, Point | None]]:
    """(trial number, point); for a long list a line ("...", None) stands for the middle."""
    cut = len(points) > FULL_LIST
    for number, point in enumerate(points):
        if not cut or number < HEAD or number >= len(points) - TAIL:
            yield str(number * settings.search_times), point
        elif number == HEAD:
            yield "...", None


def _header(settings: SearchSettings) -> list[str]:
    size, devices = settings.space.size, settings.devices.slots
    return _table([
        ("Search", f"{settings.search_mode}, {settings.file}"),
        ("Base config", settings.base_config_file),
        ("Space",
         _size(settings) if settings.plan else "continuous" if size is None else f"{size} points"),
        ("Budget", _budget(settings)),
        *_spending(settings),
        ("Metric", f"{settings.metric}, maximised"),
        *([("Then",
            f"the best{' and the fixed' if settings.fixed else ''} point again on {settings.final.retrain_on}, "
            "tested once")] if settings.final else []),
        ("Devices", f"{', '.join(devices)} ({len(devices)} at once)"),
        ("Results in", settings.output_dir),
        *(("Note", note) for note in settings.notes),
        *(("Warning", f"a real run stops here: {warning}") for warning in settings.warnings),
    ])


def _spending(settings: SearchSettings) -> list[tuple[str, str]]:
    """What is set of when the search ends, what it tries again, breaks off, and knows beforehand."""
    limits = ([f"{settings.time_budget:g} hours of searching"] if settings.time_budget is not None
              else []) + ([f"{settings.epoch_budget} epochs in all"]
                          if settings.epoch_budget is not None else [])
    rows = [("Limits", " and ".join(limits))] if limits else []
    if settings.stop == "auto":
        rows.append((
            "Stop",
            f"auto: after {LEAST_TRIALS} points or more, when no other is expected to gain more than "
            "noise hides"))
    if settings.confirm:
        points = f"the best {CONFIRMED} points{' and the fixed one' if settings.fixed else ''}"
        rows.append((
            "Confirm",
            f"{points} have {settings.confirm} trainings in the end, with seeds {settings.seed} to "
            f"{settings.seed + settings.confirm - 1}"))
    if settings.pruner:
        options = ", ".join(
            f"{name}: {value}" for name, value in settings.pruner.items() if name != "name")
        own = ": hopeless trainings are broken off" if settings.pruner["name"] == "auto" else ""
        rows.append(
            ("Pruner", settings.pruner["name"] + own + (f" ({options})" if options else "")))
    rows += [("Learns from", f"{path} ({len(task.points)} points)")
             for path, task in zip(settings.warm_start, load_tasks(settings))]
    return rows + ([("Prior",
                     "shipped: of recorded searches")] if settings.prior == "shipped" else [])


def _size(settings: SearchSettings) -> str:
    plan = settings.plan
    text = f"{len(plan.keys)} keys one after the other, {' + '.join(str(key.size) for key in plan.keys)} values"
    text += f", {len(plan.teachers)} teachers" if plan.teachers else ""
    return text + (", 1 final run" if plan.final else "")


def _budget(settings: SearchSettings) -> str:
    points = min(settings.max_iter,
                 settings.plan.suggestions) if settings.plan else settings.max_iter
    text = f"at most {points} points"
    if settings.search_times > 1:
        seeds = f"{settings.seed} to {settings.seed + settings.search_times - 1}"
        once = " (teacher and final run once)" if settings.distillation else ""
        text += f", each trained {settings.search_times} times (seeds {seeds}){once}"
        text += f", {_most_trainings(settings)} trainings"
    if settings.trial_timeout:
        text += f", {settings.trial_timeout:g} seconds each at most"
    return text


def _most_trainings(settings: SearchSettings) -> int:
    points = settings.max_iter
    if settings.plan:
        return min(points * settings.search_times, settings.plan.trainings(settings.search_times))
    if settings.space.size is not None and settings.de_duplication:
        points = min(points, settings.space.size)
    return points * settings.search_times


def _key_row(key: SearchKey) -> tuple[str, str, str]:
    hyperparameter = key.hyperparameter
    if isinstance(hyperparameter, Choice):
        values = ", ".join(map(str, hyperparameter.values))
    else:
        values = f"{hyperparameter.low} to {hyperparameter.high}{', whole' if hyperparameter.integer else ''}"
    return key.name, values + (", log axis" if hyperparameter.log else ""), "edits " + ", ".join(
        key.edits)


def _trials(settings: SearchSettings, shown: list[tuple[str, Point | None]]) -> list[str]:
    heads = {"grid": "Trials", "random": "The first trials",
             "bayes": "The first trials (what follows depends on their results)"}
    names = settings.space.names
    rows = [("trial", *names), *((number, *(str(point[name]) if point else "" for name in names))
                                 for number, point in shown)]
    lines = [heads[settings.search_mode], *_table(rows)]
    if settings.fixed is not None:
        lines[2] += "   (the fixed point)"
    return lines


def _steps(settings: SearchSettings) -> list[str]:
    """One line for every training of a greedy search, in PaddleClas's order."""
    plan, seeds = settings.plan, range(settings.seed, settings.seed + settings.search_times)
    rows = [("step", "value", "seed", "")]
    for key in plan.keys:
        rows += [
            (key.name, str(value), str(seed),
             "the base config's own: trained in the step before" if plan.known(key, value) else "")
            for value in key.values
            for seed in seeds
        ]
    rows += [("teacher", name, str(settings.seed), "") for name in plan.teachers]
    if plan.final:
        how = "from the best teacher" if plan.teachers else "teacher and student together"
        rows.append(("final", settings.distillation.config_file, str(settings.seed), how))
    return ["Trainings (each step begins with the best values of those before it)", *_table(rows)]


def _trial_config(settings: SearchSettings, point: Point, *, number: str = "0000") -> dict:
    return for_trial(point_config(settings, point), output_dir=os.path.join(
        settings.output_dir, "trials", number), seed=settings.seed, device=settings.devices.slots[0])


def _table(rows) -> list[str]:
    """Rows of texts as lines with columns under each other, two spaces in."""
    rows = [tuple(row) for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  " + "  ".join(text.ljust(width)
                         for text, width in zip(row, widths)).rstrip()
        for row in rows
    ]
