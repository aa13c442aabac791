"""The fields of a search file that take more than a type check, each read with all its mistakes collected."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config import fields as validation
from paddle_transfer.config.base import LOWER_IS_BETTER, metric_names
from paddle_transfer.config.check import check_base
from paddle_transfer.config.fields import Fields
from paddle_transfer.config.load import apply_overrides, load_yaml
from paddle_transfer.config.shipped import shipped_file
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import ConfigError, ValidationIssue, did_you_mean, show
from paddle_transfer.hardware import find_gpus, why_not_writable
from paddle_transfer.space.catalog import SearchKey
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.space import Point, active_names
from paddle_transfer.strategies.section import check_strategy

MODES = ("grid", "bayes", "random", "greedy")


def override(data: dict, options: list[str], issues: ValidationIssues) -> dict:
    """``data`` with the ``key=value`` options put in; as it is when one of them cannot be."""
    try:
        return apply_overrides(data, options)
    except ConfigError as error:
        issues += error.issues
        return data


def need(fields: Fields, key: str, hint: str) -> bool:
    """Whether ``key`` is there. It is a mistake when it is not, unless it stands there misspelt, which is one
    already."""
    if key not in fields.data and not fields.misspelt(key):
        fields.issues.add(key, "is needed", "nothing there", hint)
    return key in fields.data


@dataclass(frozen=True)
class Lookup:
    """Where the configs that a search file names are looked for, and what becomes of a machine that lacks something.

    :param search_file: its folder comes after the current one
    :param roots: PaddleClas checkouts, which come last
    :param lacking: where files of a data set and GPUs that are not there are added: they stop a search, and are only
        told of before a dry run
    :param notes: where remarks are added
    """

    search_file: str
    roots: tuple[str, ...]
    lacking: ValidationIssues
    notes: list[str]

    def find(self, name: str) -> tuple[str, list[str]]:
        """The file that ``name`` means, and where it was looked for. The files of PaddleClas name some that were
        moved: so a namesake beside the search file will do, with a note."""
        folder = os.path.dirname(self.search_file)
        places = [name, *(os.path.join(place, name) for place in (folder, *self.roots)),
                  *filter(None, [shipped_file(name)])]
        namesake = os.path.join(folder, os.path.basename(name))
        found = next((place for place in [*places, namesake] if os.path.isfile(place)), name)
        if found == namesake and namesake not in places:
            self.notes.append(
                f"There is no {name}; the {os.path.basename(name)} beside the search file is taken."
            )
        return found, [os.getcwd(), f"beside {self.search_file}", *self.roots]


def checkouts(search_file: str, explicit: str | None) -> tuple[str, ...]:
    """PaddleClas checkouts that may be meant: ``explicit``, PADDLECLAS_HOME, and the one that the search file is in."""
    folders = [explicit, os.environ.get("PADDLECLAS_HOME")]
    parent = os.path.dirname(os.path.abspath(search_file))
    while os.path.dirname(parent) != parent:
        parent = os.path.dirname(parent)
        if os.path.isdir(os.path.join(parent, "ppcls", "configs")):
            folders.append(parent)
    return tuple(dict.fromkeys(os.path.expanduser(folder) for folder in folders if folder))


def read_config(fields: Fields, key: str, lookup: Lookup, options: list[str], *,
                hint: str) -> tuple[str, dict | None]:
    """Path and content of the PaddleClas config that the field ``key`` names; None when it cannot be read or lacks
    whole sections."""
    need(fields, key, hint)
    name = fields.take(key, "", validation.text, hint=hint)
    if not name:
        return "", None
    file, places = lookup.find(name)
    if not os.path.isfile(file):
        fields.issues.add(key, "must be a file that exists", repr(name),
                          f"Looked in {' and '.join(places)}.")
        return file, None
    try:
        config = load_yaml(file)
    except ConfigError as error:
        fields.issues += [
            ValidationIssue(f"{file}: {m.where}".rstrip(": "), m.rule, m.found, m.hint)
            for m in error.issues
        ]
        return file, None
    config = override(config, options, fields.issues)
    check_base(config, fields.issues, prefix=file, lacking=lookup.lacking,
               tested=key == "base_config_file" and fields.data.get("final") is not None)
    for issue in check_strategy(config):
        fields.issues.append(replace(issue, where=f"{file}: {issue.where}"))
    usable = isinstance(config.get("Optimizer"), (dict, list)) and all(
        isinstance(config.get(section), dict)
        for section in ("Global", "Arch", "Loss", "DataLoader", "Metric"))
    return file, config if usable else None


def read_mode(fields: Fields) -> str:
    """One of MODES; greedy without the field, as PaddleClas's search files have none, and when it is wrong."""
    value = fields.data.get("search_mode")
    hint = did_you_mean(value, MODES) if isinstance(value,
                                                    str) else f"Choose one of {', '.join(MODES)}."
    return str(fields.take("search_mode", "greedy", validation.one_of(*MODES), hint=hint)).lower()


def read_output_dir(fields: Fields, search_file: str) -> str:
    default = os.path.join("output", os.path.splitext(os.path.basename(search_file))[0])
    folder = os.path.expanduser(fields.take("output_dir", default, validation.text))
    reason = why_not_writable(folder)
    if reason:
        fields.issues.add("output_dir", "must be a folder that can be written",
                          f"{folder!r}: {reason}",
                          "Choose another, for example -o output_dir=output/search.")
    return folder


def read_metric(fields: Fields, base: dict | None) -> str:
    metric = fields.take("metric", None, validation.text, empty=True)
    if base is None:
        return metric or ""
    names, closed = metric_names(base)
    if metric is None:
        if not names and dotpath.exists(base, "Metric.Eval"):
            fields.issues.add(
                "metric", "is needed: the base config's Metric.Eval has none with a known name",
                show(dotpath.get(base, "Metric.Eval")), "Name what it reports, for example top1.")
        return names[0] if names else ""
    if metric in LOWER_IS_BETTER:
        fields.issues.add("metric", "must grow as the model gets better: it is maximised",
                          repr(metric),
                          f"Use {', '.join(names)}." if names else "Add another to Metric.Eval.")
    elif closed and metric not in names:
        fields.issues.add("metric", "must be one that Metric.Eval of the base config reports",
                          repr(metric), did_you_mean(metric, names))
    return metric


def _gpu_ids(value: Any) -> list[str] | None:
    """``0``, ``"0,1"`` or ``[0, 1]`` as ids; None when it is none of these."""
    parts = value if isinstance(
        value, list) else str(value).split(",") if isinstance(value, (str, int)) else [None]
    texts = [
        str(part).strip()
        for part in parts
        if isinstance(part, (str, int)) and not isinstance(part, bool)
    ]
    fine = len(texts) == len(parts) and not isinstance(value, bool) and all(
        re.fullmatch(r"\d+|GPU-[\w-]+", part) for part in texts)
    return texts if fine else None


def read_gpus(fields: Fields, lacking: ValidationIssues) -> tuple[str, ...]:
    """The ids; those that are not on this machine are added to ``lacking``."""
    def rule(value: Any) -> str | None:
        return None if _gpu_ids(value) else "must be ids of GPUs, such as 0,1 or [0, 1]"
    value = fields.take("gpus", None, rule, empty=True, hint="Leave it out for a CPU.")
    ids = _gpu_ids(value) if value is not None else []
    present = find_gpus() if ids else []
    for gpu in dict.fromkeys(ids):
        if gpu not in present:
            there = f"There are {', '.join(present)}." if present else "There is none; leave gpus out for the CPU."
            visible = os.environ.get("CUDA_VISIBLE_DEVICES")
            lacking.add(
                "gpus", "must be GPUs that are there", gpu,
                there + (f" (CUDA_VISIBLE_DEVICES={visible})" if visible is not None else ""))
        if ids.count(gpu) > 1:
            fields.issues.add("gpus", "must name each GPU once", show(value))
    return tuple(ids)


def read_fixed(fields: Fields, keys: Sequence[SearchKey]) -> Point | None:
    """The fixed point in the space's own values; not compared with ``keys`` when there are none. What is inactive in
    it may be left out."""
    fixed = fields.take("fixed", None, validation.mapping, empty=True)
    if fixed is None or not keys:
        return None
    names, point = [key.name for key in keys], {}
    Fields(fixed, fields.issues, "fixed.").unknown(names)
    active = active_names([key.hyperparameter for key in keys],
                          {**{key.name: key.hyperparameter.inactive_value for key in keys},
                           **fixed})
    for key in keys:
        hyperparameter = key.hyperparameter
        if key.name not in active:
            point[key.name] = hyperparameter.inactive_value
        elif key.name not in fixed:
            fields.issues.add(f"fixed.{key.name}",
                              "is needed: the fixed point has a value for every search_key",
                              "nothing there")
        elif not hyperparameter.contains(fixed[key.name]):
            among = (list(hyperparameter.values) if isinstance(hyperparameter, Choice)
                     else f"{hyperparameter.low}..{hyperparameter.high}")
            fields.issues.add(f"fixed.{key.name}", "must be one of the values that are searched",
                                show(fixed[key.name]), f"They are {among}.")
        else:
            point[key.name] = (hyperparameter.at(hyperparameter.index(fixed[key.name]))
                               if hyperparameter.size is not None else float(fixed[key.name]))
    return point if len(point) == len(names) else None


def storage_rule(value: Any) -> str | None:
    return None if isinstance(value, str) and "://" in value else "must be a storage URL of Optuna (sqlite:///file.db)"


def no_continuous(keys: Sequence[SearchKey], fields: Fields) -> None:
    """Add a mistake for every range that has no end of values."""
    for i, (key, item) in enumerate(zip(keys, fields.data.get("search_dict") or [])):
        if key.hyperparameter.size is None:
            fields.issues.add(
                f"search_dict.{i}.search_range", "a grid needs a finite number of values",
                show(item["search_range"]),
                "Use search_values or integer: True, or search_mode bayes or random.")
