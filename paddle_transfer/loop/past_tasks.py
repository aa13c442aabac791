"""Reading one earlier search or recorded table as a task; imported late, with numpy and Optuna."""

from __future__ import annotations

import os
from dataclasses import replace

from paddle_transfer.errors import PaddleTransferError, ValidationIssue
from paddle_transfer.loop.measured import counts
from paddle_transfer.loop.saved_search import read_saved_search
from paddle_transfer.samplers.base import PastTask
from paddle_transfer.samplers.gp.task_prior import compress_table, is_comparable, past_task
from paddle_transfer.samplers.tables import load_table
from paddle_transfer.space.space import Space
from paddle_transfer.study.history import observations


def load_task(path: str, *, space: Space, output_dir: str) -> PastTask | ValidationIssue:
    """The task at ``path`` (a table, or the output_dir of a search, finished or not), or why it is
    of no use to a search of ``space``."""
    try:
        table = os.path.isfile(path)
        task = compress_table(load_table(path)) if table else _search(path, output_dir)
    except PaddleTransferError as error:
        return ValidationIssue("", "must be readable", str(error))
    if isinstance(task, PastTask):
        return _why_useless(task, space) or task
    return task


def _search(path: str, output_dir: str) -> PastTask | ValidationIssue:
    if os.path.realpath(path) == os.path.realpath(output_dir):
        return ValidationIssue("", "must be another search",
                               f"{path!r}, the output_dir of this one",
                               "Take it out: its trials count anyway.")
    saved = read_saved_search(path)
    if saved.in_steps:
        return ValidationIssue(
            "", "must not be a greedy search, which compares values one key at a time", repr(path))
    records = saved.records()
    if len(counts(records)) > 1:
        return ValidationIssue(
            "", "must have been measured on one evaluation list: its trials cannot be compared",
            f"{', '.join(map(str, counts(records)))} images in {path!r}", "Take it out.")
    task = past_task(path, saved.space, observations(records)[0])
    if task:
        return replace(task, images=next(iter(counts(records)), None))
    return ValidationIssue("", "must have a finished trial", f"none in {path!r}",
                                   "Take it out, or let it run first.")


def _why_useless(task: PastTask, space: Space) -> ValidationIssue | None:
    names = list(task.points[0])
    if not set(names) & set(space.names):
        return ValidationIssue("", "must share a search_key with this search",
                               f"{', '.join(names)} in {task.name!r}",
                               f"This one searches {', '.join(space.names)}.")
    if not is_comparable(task, space):
        return ValidationIssue("", "must have at least two points whose values mean something here",
                               repr(task.name), "Take it out, or search some of the same values.")
    return None
