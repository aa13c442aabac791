"""Reading one earlier search or recorded table as a task; imported late, with numpy and Optuna."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paddle_transfer.config.load import load_yaml
from paddle_transfer.errors import PaddleTransferError, StudyError, ValidationIssue
from paddle_transfer.samplers.base import PastTask
from paddle_transfer.samplers.gp.compress_table import compress_table
from paddle_transfer.samplers.gp.task_prior import is_comparable, past_task
from paddle_transfer.samplers.tables import load_table
from paddle_transfer.space.hyperparameter import Choice, Hyperparameter, Range
from paddle_transfer.space.space import Space
from paddle_transfer.study.records import observations
from paddle_transfer.study.store import read_store


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
        return ValidationIssue("", "must be another search", f"{path!r}, the output_dir of this one",
                               "Take it out: its trials count anyway.")
    file = Path(path) / "search.yaml"  # as the search wrote it
    if not file.is_file():
        raise StudyError(f"{file}: there is no such file, so no search has been here")
    search = load_yaml(str(file))
    if search.get("search_mode") == "greedy":
        return ValidationIssue(
            "", "must not be a greedy search, which compares values one key at a time", repr(path))
    try:
        space = Space(tuple(map(_hyperparameter, search["search_dict"])))
    except (KeyError, TypeError, ValueError) as error:
        raise StudyError(f"{file}: does not say what was searched ({error!r})") from error
    store = read_store(output_dir=path, space=space, storage=search.get("storage"))
    try:
        task = past_task(path, space, observations(store.records())[0])
    finally:
        store.close()
    return task or ValidationIssue("", "must have a finished trial", f"none in {path!r}",
                                   "Take it out, or let it run first.")


def _hyperparameter(item: Mapping[str, Any]) -> Hyperparameter:
    """An item of ``search_dict`` as a search writes it into its output_dir."""
    name, log = item["search_key"], item["log"]
    condition = tuple((other, tuple(values)) for other, values in item.get("when", {}).items())
    if "search_values" in item:
        return Choice(name, tuple(item["search_values"]), log=log, condition=condition)
    low, high = item["search_range"]
    return Range(name, low, high, log=log, integer=item["integer"], condition=condition)


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
