"""``warm_start``: earlier searches and recorded tables as tasks to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from paddle_transfer.errors import ConfigError, ValidationIssue
from paddle_transfer.samplers.base import PastTask
from paddle_transfer.space.space import Space


def load_tasks(paths: Sequence[str], *, file: str, space: Space,
               output_dir: str) -> tuple[PastTask, ...]:
    """The tasks at ``paths``, in their order.

    :param file: the search file, for errors
    :param output_dir: of this search, which is no earlier one

    Raises ConfigError with every path that is of no use: it cannot be read, has no finished trial,
    or shares no hyperparameter with ``space``.
    """
    if not paths:
        return ()
    from paddle_transfer.loop.past_tasks import load_task  # with numpy and Optuna
    found = [load_task(path, space=space, output_dir=output_dir) for path in paths]
    issues = [replace(one, where=f"warm_start.{i}", found=one.found or repr(paths[i]))
              for i, one in enumerate(found) if isinstance(one, ValidationIssue)]
    if issues:
        raise ConfigError(file, issues)
    return tuple(one for one in found if isinstance(one, PastTask))
