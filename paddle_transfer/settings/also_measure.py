"""``also_measure`` of a search file: further lists on which the best weights are measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config import resolve
from paddle_transfer.config.base import eval_size
from paddle_transfer.errors import show
from paddle_transfer.settings.groups import Objective
from paddle_transfer.settings.reading import Reading
from paddle_transfer.space.search_key import SearchKey


def read_objective(reading: Reading, metric: str, base: dict[str, Any],
                   keys: Sequence[SearchKey]) -> Objective:
    """What is maximised, and what is measured beside it.

    Mistakes of ``also_measure`` are added to the issues of ``reading``.
    """
    lists = tuple(dict.fromkeys(reading.given.also_measure))
    names, _ = resolve.metric_names(base)
    made = Objective(metric, eval_size(base), lists, tuple(
        name for name in names if name != metric) if lists else ())
    if not lists:
        return made
    issues = reading.issues
    if reading.data.get("distill_config_file") is not None:
        issues.add("also_measure", "is not for a search that ends with a distillation", show(lists),
                   "Take out also_measure or distill_config_file.")
    if resolve.section(base, "Global").get("eval_mode", "classification") != "classification":
        issues.add("also_measure", "is for classifications", show(base["Global"]["eval_mode"]),
                   "Take it out.")
    for part in ("Train", "Eval"):
        path = f"DataLoader.{part}.dataset.cls_label_path"
        if not isinstance(dotpath.find(base, path), str):
            issues.add("also_measure", f"needs a list in {path} of the base config",
                       show(dotpath.find(base, path)))
    taken = {column.casefold() for column in made.columns}
    for i, key in enumerate(keys):
        if key.name.casefold() in taken:
            issues.add(f"search_dict.{i}.search_key", "must not be a column that also_measure adds",
                       repr(key.name), f"Give it another name, such as my_{key.name}.")
    return made
