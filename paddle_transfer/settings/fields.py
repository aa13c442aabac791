"""Rules about single keys of the search file: the machine, the base config, the searched keys."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.base import LOWER_IS_BETTER
from paddle_transfer.errors import did_you_mean, show
from paddle_transfer.hardware import why_not_writable
from paddle_transfer.registry import Component
from paddle_transfer.settings.names import check_metric_name
from paddle_transfer.settings.reading import Reading
from paddle_transfer.settings.schema import DEFAULT_MODE
from paddle_transfer.space.blocks import blocks_of
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.space.space import Point, active_names
from paddle_transfer.strategies.section import metric_names

#: Points of a grid without max_iter at most, and combinations of keys that conditions tie.
MOST_POINTS = 100_000

#: Keys that only a search with stages, PaddleClas's own, knows.
STAGE_KEYS = ("distill_config_file", "teacher", "final_replace")


def read_sampler(reading: Reading) -> Component:
    """The sampler with its options; ``acquisition`` is one, for a sampler that knows it."""
    given, part = reading.given, reading.sampler
    mode = given.search_mode or DEFAULT_MODE
    if part is None or given.sampler is None:
        made = Component(mode)
    else:
        made = given.sampler
        if reading.data.get("search_mode") is not None and mode != made.name:
            reading.issues.add("sampler.name", "must be the sampler that search_mode names",
                               repr(made.name), "Take one of the two keys out.")
    if part is None or "acquisition" not in part.options.model_fields:
        asked = reading.data.get("acquisition") is not None and not reading.spoilt("acquisition")
        if part is not None and asked:
            reading.issues.add("acquisition", f"is an option of search_mode bayes; {made.name} has "
                               "none", repr(given.acquisition), "Take it out.")
        return made
    if "acquisition" in reading.data and "acquisition" in made.options:
        reading.issues.add("acquisition", "may not stand beside sampler.acquisition",
                           repr(given.acquisition), "Take one of the two out.")
    return Component(made.name, {"acquisition": given.acquisition, **made.options})


def read_output_dir(reading: Reading) -> str:
    name = os.path.splitext(os.path.basename(reading.file))[0]
    folder = os.path.expanduser(reading.given.output_dir or os.path.join("output", name))
    reason = why_not_writable(folder)
    if reason:
        reading.issues.add("output_dir", "must be a folder that can be written",
                           f"{folder!r}: {reason}",
                           "Choose another, for example -o output_dir=output/search.")
    return folder


def read_metric(reading: Reading, base: dict[str, Any] | None) -> str:
    metric, issues = reading.given.metric, reading.issues
    if metric is not None and not reading.spoilt("metric"):
        check_metric_name(metric, issues)
    if base is None or reading.spoilt("metric"):
        return metric or ""
    names, closed = metric_names(base)
    if metric is None:
        if not names and dotpath.exists(base, "Metric.Eval"):
            issues.add("metric", "is needed: the base config's Metric.Eval has none with a known "
                       "name", show(dotpath.get(base, "Metric.Eval")),
                       "Name what it reports, for example top1.")
        return names[0] if names else ""
    if metric in LOWER_IS_BETTER:
        issues.add("metric", "must grow as the model gets better: it is maximised", repr(metric),
                   f"Use {', '.join(names)}." if names else "Add another to Metric.Eval.")
    elif closed and metric not in names:
        issues.add("metric", "must be one that Metric.Eval of the base config reports",
                   repr(metric), did_you_mean(metric, names))
    return metric


def read_baseline(reading: Reading, keys: Sequence[SearchKey]) -> Point | None:
    """``fixed`` in the space's own values; what is inactive in it may be left out.

    :param keys: none: nothing is compared with them
    """
    fixed, issues = reading.given.fixed, reading.issues
    if fixed is None or not keys:
        return None
    names = [key.name for key in keys]
    point: Point = {}
    for name in fixed:
        if name not in names:
            issues.add(f"fixed.{name}", "unknown key", repr(name), did_you_mean(name, names))
    hyperparameters = [key.hyperparameter for key in keys]
    resting = {h.name: h.inactive_value for h in hyperparameters}
    active = active_names(hyperparameters, {**resting, **fixed})
    for h in hyperparameters:
        if h.name not in active:
            point[h.name] = h.inactive_value
        elif h.name not in fixed:
            issues.add(f"fixed.{h.name}", "is needed: the fixed point has a value for every "
                       "search_key", "nothing there")
        elif not h.contains(fixed[h.name]):
            among = list(h.values) if isinstance(h, Choice) else f"{h.low}..{h.high}"
            issues.add(f"fixed.{h.name}", "must be one of the values that are searched",
                       show(fixed[h.name]), f"They are {among}.")
        else:
            point[h.name] = (float(fixed[h.name]) if h.size is None
                             else h.at(h.index(fixed[h.name])))
    return point if len(point) == len(names) else None


def check_sampler(reading: Reading, keys: Sequence[SearchKey]) -> None:
    """Whether what the search file says is for its sampler."""
    part, data, issues = reading.sampler, reading.data, reading.issues
    if part is None:
        return
    other = "choose search_mode grid, bayes or random."
    for key in ("stop", "warm_start", "prior"):
        if not part.has_posterior and _is_asked(data.get(key)):
            issues.add(key, "is only for search_mode bayes: it goes by the model of the results",
                       hint="Take it out, or write search_mode: bayes.")
    for key in ("time_budget", "epoch_budget", "confirm", "pruner"):
        if part.uses_stages and _is_asked(data.get(key)):
            issues.add(key, "is not for a greedy search, whose steps all have to be finished",
                       hint=f"Take it out, or {other}")
    for key in STAGE_KEYS:
        if not part.uses_stages and key in data:
            issues.add(key, "belongs to search_mode greedy, PaddleClas's own search",
                       hint="Take it out, or write search_mode: greedy.")
    if not part.supports_baseline and data.get("fixed") is not None:
        issues.add("fixed", "is not for a greedy search, which begins with the base config",
                   hint=f"Put the values into the base config, or {other}")
    for i, h in enumerate(key.hyperparameter for key in keys):
        if part.uses_stages and h.condition and data["search_dict"][i].get("when"):
            issues.add(f"search_dict.{i}.when", "is not for a greedy search, whose keys come one "
                       "by one", hint=f"Take it out, or {other}")
        elif part.uses_stages and h.condition:
            parent, values = h.condition[0]
            issues.add(f"search_dict.{i}.search_key", f"{h.name} exists only beside some values of "
                       f"{parent}, and the keys of a greedy search come one by one",
                       show(list(values)), "Take it out and write it into these values, or "
                       + other)
        if part.needs_finite_space and h.size is None:
            issues.add(f"search_dict.{i}.search_range", "a grid needs a finite number of values",
                       show(data["search_dict"][i]["search_range"]),
                       "Use search_values or integer: True, or search_mode bayes or random.")


def check_size(reading: Reading, keys: Sequence[SearchKey]) -> bool:
    """What has to be counted, or listed, must be of a size for it; sizes follow by arithmetic.
    Whether the points can be counted."""
    hyperparameters = [key.hyperparameter for key in keys]
    if any(h.size is None for h in hyperparameters):
        return True
    fewer = "Take fewer values, or a search_range that is not integer."
    for block in blocks_of(hyperparameters):
        count = math.prod(h.size or 0 for h in block.hyperparameters)
        if len(block.hyperparameters) > 1 and count > MOST_POINTS:
            reading.issues.add("search_dict", "keys that depend on one another may have "
                               f"{MOST_POINTS:,} combinations", f"{count:,} of "
                               + ", ".join(h.name for h in block.hyperparameters), fewer)
            return False
    part = reading.sampler
    trained = math.prod if part is not None and part.exhaustive else sum
    count = trained(h.size or 0 for h in hyperparameters)
    if part is None or not (part.exhaustive or part.uses_stages) or count <= MOST_POINTS or (
            part.exhaustive and "max_iter" in reading.data):
        return True
    limit = "Give max_iter, fewer values, or search_mode bayes or random." if part.exhaustive else (
        "Take fewer values, or search_mode bayes or random.")
    reading.issues.add("search_dict", "is more than a search can train: all "
                       f"{'points' if part.exhaustive else 'values'} in turn", f"{count:,}", limit)
    return True


def _is_asked(value: object) -> bool:
    return value is not None and str(value).lower() != "none"
