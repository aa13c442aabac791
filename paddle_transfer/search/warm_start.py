"""``warm_start``: earlier searches and recorded tables as tasks that a Bayesian search learns from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from paddle_transfer.config.load import load_yaml
from paddle_transfer.errors import ConfigError, PaddleTransferError, StudyError, ValidationIssue
from paddle_transfer.samplers.base import PastTask
from paddle_transfer.space.hyperparameter import Choice, Hyperparameter, Range
from paddle_transfer.space.space import Space
from paddle_transfer.study.records import observations


def load_tasks(settings: Any) -> tuple[PastTask, ...]:
    """What ``settings.warm_start`` names, in its order.

    Raises ConfigError with every one that is of no use: it cannot be read, has no finished trial, or shares no
    hyperparameter with this search.
    """
    tasks, issues = [], []
    for i, path in enumerate(settings.warm_start):
        try:
            task = _table(path) if os.path.isfile(path) else _search(path, settings)
            if isinstance(task, PastTask):
                problem = _why_useless(task, settings.space)
                task = problem or task
        except PaddleTransferError as error:
            task = ValidationIssue("", "must be readable", str(error))
        if isinstance(task, PastTask):
            tasks.append(task)
        else:
            found = task.found or repr(path)
            issues.append(ValidationIssue(f"warm_start.{i}", task.rule, found, task.hint))
    if issues:
        raise ConfigError(settings.file, issues)
    return tuple(tasks)


def _table(path: str) -> PastTask:
    from paddle_transfer.samplers.gp.compress_table import compress_table
    from paddle_transfer.samplers.tables import load_table

    return compress_table(load_table(path))


def _search(path: str, settings: Any) -> PastTask | ValidationIssue:
    """The search whose output_dir is ``path``, finished or not."""
    from paddle_transfer.samplers.gp.task_prior import past_task
    from paddle_transfer.study.store import read_store

    if os.path.realpath(path) == os.path.realpath(settings.output_dir):
        return ValidationIssue("", "must be another search",
                               f"{path!r}, the output_dir of this one",
                               "Take it out: its trials count anyway.")
    file = Path(path) / "search.yaml"  # what the search was, written by itself
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


def _hyperparameter(item: dict[str, Any]) -> Hyperparameter:
    """As ``run.write_settings`` writes it."""
    condition = tuple((other, tuple(values)) for other, values in item.get("when", {}).items())
    if "search_values" in item:
        return Choice(item["search_key"], tuple(item["search_values"]), log=item["log"],
                      condition=condition)
    low, high = item["search_range"]
    return Range(item["search_key"], low, high, log=item["log"], integer=item["integer"],
                 condition=condition)


def _why_useless(task: PastTask, space: Space) -> ValidationIssue | None:
    from paddle_transfer.samplers.gp.task_prior import is_comparable

    names = list(task.points[0])
    if not set(names) & set(space.names):
        return ValidationIssue("", "must share a search_key with this search",
                               f"{', '.join(names)} in {task.name!r}",
                               f"This one searches {', '.join(space.names)}.")
    if not is_comparable(task, space):
        return ValidationIssue("", "must have at least two points whose values mean something here",
                               repr(task.name), "Take it out, or search some of the same values.")
    return None
