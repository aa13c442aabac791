"""The search file: its keys with their types and defaults, in one model.

The loader, the JSON Schema for editors and the tables of docs/keys.md follow from it. Limits and
rules are with the types in ``values``, the texts of the keys in ``texts.yaml``; rules about several
keys, and about the base config, are in the modules beside this one.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from paddle_transfer.config.load import load_yaml
from paddle_transfer.config.rules import Filled
from paddle_transfer.config.validation import Section
from paddle_transfer.settings import groups
from paddle_transfer.settings import values as v
from paddle_transfer.space.registry import HYPERPARAMETERS

#: PaddleClas's own search.
DEFAULT_MODE = "greedy"


class SearchItem(Section):
    """What is searched: one setting of the training config."""

    required: ClassVar[dict[str, str]] = {
        "search_key": f"Known: {', '.join(HYPERPARAMETERS.builtin)}; or any name of your own with "
        "replace_config."}

    search_key: v.SearchKeyName = ""
    search_values: v.Values = ()
    search_range: v.LowHigh = None
    log: v.LogAxis = None
    integer: v.YesNo = False
    replace_config: v.DottedPaths = ()
    when: v.Condition = Field(default_factory=dict)


class Teacher(Section):
    """The distillation that ends a greedy search."""

    algorithm: v.Algorithm | None = "skl-ugi"
    rm_keys: v.RemovedPaths | None = ()
    search_values: v.Teachers = None


class FinalSection(Section):
    """What follows a search: a last training of the point found, and its test; or a soup."""

    retrain_on: v.RetrainOn | None = None
    soup: v.Soup | None = None


class SearchFile(Section):
    """A search file of `paddle-transfer search`."""

    required: ClassVar[dict[str, str]] = {
        "base_config_file": v.CONFIG_HINT, "search_dict": v.ITEMS_HINT}

    base_config_file: v.ConfigFile = ""
    output_dir: v.Folder = None
    search_dict: Annotated[tuple[Annotated[SearchItem, Filled(
        dict, rule="must be a mapping with search_key", empty=True)], ...],
        Filled(list, v.ITEMS_HINT)] = ()
    search_mode: v.SamplerName | None = DEFAULT_MODE
    sampler: v.SamplerPart = None
    acquisition: v.Acquisition = "KG"
    max_iter: v.AtLeast1 | None = None
    metric: v.Text | None = None
    also_measure: v.FurtherLists = ()
    fixed: v.FixedPoint | None = None
    gpus: v.GpuIds = ()
    workers: v.Workers = 1
    executor: v.ExecutorPart = None
    search_times: v.Trainings = 1
    de_duplication: v.YesNo = True
    seed: v.Seed = 0
    trial_timeout: v.Seconds | None = None
    checkpoint_every: v.CheckpointEvery = groups.CHECKPOINT_EVERY
    keep_models: v.Count = 3
    storage: v.StorageUrl | None = None
    stop: v.Stop | None = "none"
    prior: v.Prior | None = "none"
    time_budget: v.Hours | None = None
    epoch_budget: v.AtLeast1 | None = None
    confirm: v.Confirm | None = None
    warm_start: v.Paths = None
    pruner: v.PrunerPart = None
    reports: v.Reports = None
    final: Annotated[FinalSection, Filled(
        dict, v.FINAL_HINT)] | None = None
    teacher: Annotated[Teacher, Filled(dict)] | None = None
    distill_config_file: v.Text | None = None
    final_replace: v.Moves | None = None


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a search file, with the texts in both languages. They stand there twice:
    editors complete with ``description``, and show ``markdownDescription`` of the word under the
    pointer."""
    made: dict[str, Any] = _without_titles(SearchFile.model_json_schema())
    sections = {"search_dict": "SearchItem", "teacher": "Teacher", "final": "FinalSection"}
    for path, text in texts().items():
        owner, _, name = path.rpartition(".")
        field = (made["$defs"][sections[owner]] if owner else made)["properties"][name]
        english, chinese = (re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text[key])
                            for key in ("en", "zh"))
        field["description"] = field["markdownDescription"] = f"{english}\n\n{chinese}"
        if field.get("default") in (None, []):
            field.pop("default", None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Search file of paddle_transfer", **made}


def _without_titles(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_titles(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {name: _without_titles(value) for name, value in node.items()
            if name != "title" or not isinstance(value, str)}


@cache
def texts() -> dict[str, dict[str, str]]:
    """Of every key: ``en``, ``zh``, and where the default needs words ``default`` and
    ``default_zh``. Keys of a section come as ``final.retrain_on``."""
    return load_yaml(str(Path(__file__).with_name("texts.yaml")))
