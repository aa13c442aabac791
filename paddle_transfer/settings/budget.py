"""How a search spends its trainings: budgets, ``confirm``, ``pruner``, ``warm_start``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config import resolve
from paddle_transfer.errors import show
from paddle_transfer.registry import Component
from paddle_transfer.samplers.base import RegisteredSampler
from paddle_transfer.settings.reading import Reading
from paddle_transfer.settings.values import TABLES_HINT
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.search_key import SearchKey

#: The pruner (docs/benchmarks/) of a sampler with a posterior, when the file names none. Other
#: searches see every point, or are there to compare with: they finish all they begin.
DEFAULT_PRUNER = "auto"

#: ``confirm`` of a search that goes by its results. They are one training each: the best of them
#: may be luck, or a point that collapses with the next seed.
DEFAULT_CONFIRM = 2

#: How many of the best points ``confirm`` trains again, beside the fixed point.
CONFIRMED = 3


def read_confirm(reading: Reading) -> int | None:
    """None: no point is trained again."""
    confirm, sampler = reading.given.confirm, reading.sampler
    if confirm is None and sampler is not None and goes_by_results(sampler):
        return DEFAULT_CONFIRM if reading.given.search_times < DEFAULT_CONFIRM else None
    return confirm if isinstance(confirm, int) else None


def goes_by_results(sampler: type[RegisteredSampler]) -> bool:
    """Whether it chooses points by results: a Bayesian search. The steps of a greedy one do not
    count; its winner is made of their values."""
    return sampler.uses_results and not sampler.uses_stages


def read_pruner(reading: Reading) -> Component | None:
    """None: no trial is broken off."""
    pruner = reading.given.pruner
    if pruner is None and reading.sampler is not None and reading.sampler.has_posterior:
        return Component(DEFAULT_PRUNER)
    return None if pruner is None or pruner.name == "none" else pruner


def check_budgets(reading: Reading, base: dict[str, Any] | None, keys: Sequence[SearchKey]) -> None:
    given, issues = reading.given, reading.issues
    if isinstance(given.confirm, int) and given.confirm <= given.search_times:
        issues.add("confirm", "must be more than search_times: it is the number of trainings in "
                   "all", show(given.confirm), f"search_times is {given.search_times} already.")
    most = most_epochs(base, keys) if base is not None else None
    if given.epoch_budget is not None and most is not None and given.epoch_budget < most:
        issues.add("epoch_budget", "must be enough for one training", show(given.epoch_budget),
                   f"One takes {most} epochs (Global.epochs of the base config, or a searched "
                   "value of it).")


def most_epochs(base: dict[str, Any], keys: Sequence[SearchKey]) -> int | None:
    """The epochs of the longest training of the space; None when the configs do not say."""
    config = dotpath.clone(base)
    found = [resolve.epochs(config)]
    searched = [key for key in keys if searches_epochs(key)]
    for key in searched:
        h = key.hyperparameter
        for value in h.values if isinstance(h, Choice) else (h.high,):
            key.apply(config, value)
            found.append(resolve.epochs(config))
    whole = [epochs for epochs in found if epochs is not None]
    if len(whole) < len(found):
        return None
    always = any(not key.hyperparameter.condition for key in searched)
    return max(whole[1:] if always else whole)


def searches_epochs(key: SearchKey) -> bool:
    """Whether the length of a training depends on ``key``."""
    return any(path in ("Global", "Global.epochs") for path in key.edits)


def read_warm_start(reading: Reading) -> tuple[str, ...]:
    """The paths, found here or beside the search file; what they hold is read later
    (``search.warm_start``)."""
    issues, found = reading.issues, []
    single = isinstance(reading.data.get("warm_start"), str)
    for i, name in enumerate(reading.given.warm_start or ()):
        where = "warm_start" if single else f"warm_start.{i}"
        if not isinstance(name, str) or not name.strip():
            issues.add(where, "must be a path", show(name), TABLES_HINT)
            continue
        name = os.path.expanduser(name)
        places = [name, os.path.join(os.path.dirname(reading.file), name)]
        path = next((place for place in places if os.path.exists(place)), None)
        if path is None:
            issues.add(where, "must be a folder or a table that exists", repr(name),
                       f"Looked in {os.getcwd()} and beside {reading.file}.")
        elif os.path.isfile(path) and not path.endswith((".csv", ".csv.gz")):
            issues.add(where, "must be the output_dir of a search, or a table", repr(name),
                       TABLES_HINT)
        else:
            found.append(path)
    return tuple(found)
