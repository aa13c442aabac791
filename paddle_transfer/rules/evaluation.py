"""Evaluations: of the whole list, and of the same images by the same metrics in every trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.base import components, list_size
from paddle_transfer.config.evaluation import check_whole_lists, evaluated_sections
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import show
from paddle_transfer.rules.base import Config, Rule, touches, whole
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.search_key import SearchKey

#: What a metric is measured by, where a search could edit it.
MEASURED_BY = ("DataLoader.Eval", "DataLoader.Test", "Metric.Eval", "Global.eval_mode",
               "Global.use_multilabel")
#: Keys of a section or its data set that decide how images are read, not which.
READING = ("transform_ops", "batch_transform_ops", "sampler", "loader")


def check_evaluation(config: Config, issues: ValidationIssues) -> None:
    """Every evaluation is one of the whole list, and of the network that it is told for."""
    check_whole_lists(config, issues)
    networks = {name for name, _ in components(config, "Arch.models")}
    for name, arguments in components(config, "Metric.Eval"):
        key = arguments.get("model_key", "Student")
        if name == "DistillationTopkAcc" and "Student" in networks and key != "Student":
            issues.add("Metric.Eval", "the model_key of DistillationTopkAcc must be Student: where "
                       "there is a Student, PaddleClas evaluates it, whatever the key says",
                       show(key))
    if not dotpath.find(config, "Global.use_dali"):
        return
    for path, section in evaluated_sections(config):
        size = dotpath.find(section, "sampler.batch_size")
        count = list_size(config, path.removeprefix("DataLoader."))
        if whole(size) and count and count % size:
            issues.add(f"{path}.sampler.batch_size", "must divide the number of images: with "
                       "Global.use_dali the last batch is filled up with images that count twice",
                       f"{count} images, batch_size {size}", "Or set Global.use_dali: False.")


def check_comparable(base: Config, keys: Sequence[SearchKey], issues: ValidationIssues) -> None:
    """Add an issue for every key that changes what trials are measured on, or by: a leaderboard of
    different images or metrics has no best."""
    for i, key in enumerate(keys):
        if not key.replace_config or not touches(key.edits, MEASURED_BY):
            continue
        h, here = key.hyperparameter, dotpath.clone(measured_on(base))
        for value in h.values if isinstance(h, Choice) else (h.low, h.high):
            config = dotpath.clone(base)
            try:
                key.apply(config, value)
                same = measured_on(config) == here
            except (LookupError, TypeError, AttributeError, ValueError):
                continue  # it cannot be put into the config, which is told elsewhere
            if not same:
                paths = [path for path in key.replace_config if touches([path], MEASURED_BY)]
                issues.add(f"search_dict.{i}.replace_config", "may not change the images or "
                           "metrics that trials are measured by: their results could not be "
                           "compared", f"{', '.join(paths)}, with {key.name} {show(value)}",
                           "Take it out, or make a search for each.")
                break


def measured_on(config: Config) -> dict[str, Any]:
    """What decides on which images, and by what, a config is measured; ``topk`` does not: each k is
    a metric of its own name."""
    found: dict[str, Any] = {name: dotpath.find(config, name) for name in MEASURED_BY[-2:]}
    for path, section in evaluated_sections(config):
        for key, value in _without(section, READING).items():
            found[f"{path}.{key}"] = _without(value, READING)
    entries = dotpath.find(config, "Metric.Eval")
    for i, entry in enumerate(entries if isinstance(entries, list) else []):
        for name, arguments in entry.items() if isinstance(entry, dict) else ():
            found[f"Metric.Eval.{i}.{name}"] = _without(arguments or {}, ("topk",))
    return found


def _without(value: Any, keys: Sequence[str]) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: inner for key, inner in value.items() if key not in keys}


EVALUATION = Rule((*(f"DataLoader.{part}{inner}.{key}" for part in ("Eval", "Test")
                     for inner in ("", ".*") for key in ("sampler", "dataset.cls_label_path")),
                   "Global.use_dali", "Global.eval_mode", "Loss.Eval", "Metric.Eval",
                   "Arch.models"), check_evaluation)
