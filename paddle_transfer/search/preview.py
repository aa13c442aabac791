"""What ``tools/search.py --dry-run`` prints: the space, the trials that are known beforehand, one merged config.

Needs neither Paddle nor the libraries of the search, so it answers at once.
"""

from __future__ import annotations

import os
from typing import Iterator

from paddle_transfer.config.base import for_trial
from paddle_transfer.config.load import dump_text
from paddle_transfer.config.search_file import SearchSettings
from paddle_transfer.execute.devices import slots
from paddle_transfer.space.catalog import SearchKey, apply_point
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.space import Point
from paddle_transfer.suggest import make_suggester

#: A longer list of trials is cut in its middle.
FULL_LIST = 200

#: How many trials stand before and after the cut.
HEAD, TAIL = 20, 5

#: How many first points of a random search are shown.
RANDOM_POINTS = 10


def preview(settings: SearchSettings) -> str:
    """The whole text, several lines."""
    points = first_points(settings)
    shown = list(numbered(settings, points))
    config = dump_text(_trial_config(settings, points[0]))
    return "\n".join([*_header(settings), "", "Hyperparameters", *_table(map(_key_row, settings.keys)), "",
                      *_trials(settings, shown), "", "Config of trial 0", "", config])


def first_points(settings: SearchSettings) -> list[Point]:
    """The points that are known before there are results, in the order of their trials.

    grid: all of them up to max_iter, the fixed one first. random: the first few draws. bayes: those that do not
    depend on results, one per slot and at least two.
    """
    if settings.search_mode == "grid":
        return list(_grid(settings))
    count = RANDOM_POINTS if settings.search_mode == "random" else max(2, len(slots(settings)))
    suggester = make_suggester(settings.search_mode, fixed=settings.fixed, acquisition=settings.acquisition,
                               allow_repeats=not settings.de_duplication)
    points: list[Point] = []
    while len(points) < min(count, settings.max_iter):
        point = suggester.suggest(settings.space, [], points, seed=settings.seed)
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
    size, devices = settings.space.size, slots(settings)
    budget = f"at most {settings.max_iter} points"
    if settings.search_times > 1:
        seeds = f"{settings.seed} to {settings.seed + settings.search_times - 1}"
        budget += f", each trained {settings.search_times} times (seeds {seeds}), {_most_trainings(settings)} trainings"
    if settings.trial_timeout:
        budget += f", {settings.trial_timeout:g} seconds each at most"
    return _table([
        ("Search", f"{settings.search_mode}, {settings.file}"),
        ("Base config", settings.base_config_file),
        ("Space", "continuous" if size is None else f"{size} points"),
        ("Budget", budget),
        ("Metric", f"{settings.metric}, maximised"),
        ("Devices", f"{', '.join(devices)} ({len(devices)} at once)"),
        ("Results in", settings.output_dir),
        *(("Note", note) for note in settings.notes),
    ])


def _most_trainings(settings: SearchSettings) -> int:
    points = settings.max_iter
    if settings.space.size is not None and settings.de_duplication:
        points = min(points, settings.space.size)
    return points * settings.search_times


def _key_row(key: SearchKey) -> tuple[str, str, str]:
    hyperparameter = key.hyperparameter
    if isinstance(hyperparameter, Choice):
        values = ", ".join(map(str, hyperparameter.values))
    else:
        values = f"{hyperparameter.low} to {hyperparameter.high}{', whole' if hyperparameter.integer else ''}"
    return key.name, values + (", log axis" if hyperparameter.log else ""), "edits " + ", ".join(key.edits)


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


def _trial_config(settings: SearchSettings, point: Point) -> dict:
    config = apply_point(settings.base_config, settings.keys, point)
    return for_trial(config, output_dir=os.path.join(settings.output_dir, "trials", "0000"), seed=settings.seed,
                     device=slots(settings)[0])


def _table(rows) -> list[str]:
    """Rows of texts as lines with columns under each other, two spaces in."""
    rows = [tuple(row) for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  " + "  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in rows]
