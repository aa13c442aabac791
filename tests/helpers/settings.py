"""Settings of a search without a search file, and changes of some, by the keys of a search file."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from paddle_transfer.config.base import eval_size
from paddle_transfer.registry import Component
from paddle_transfer.settings.groups import (
    BaseTraining,
    Budget,
    Devices,
    Objective,
    Output,
    Repeats,
    Sampling,
    SearchSpace,
)
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.space.space import Space

#: The group of every key; a key that is none is a field of ``SearchSettings`` itself.
_GROUPS = {"base": BaseTraining, "search_space": SearchSpace, "objective": Objective,
           "sampling": Sampling, "repeats": Repeats, "budget": Budget, "devices": Devices,
           "output": Output}
_RENAMED = {"base_config_file": "file", "base_config": "config", "fixed": "baseline"}


def make_settings(*, file: str = "search.yaml", base_config: dict[str, Any],
                  keys: Sequence[SearchKey], output_dir: str, base_config_file: str = "base.yaml",
                  space: Space | None = None, **changes: Any) -> SearchSettings:
    """:param changes: keys of a search file, as ``change`` takes them"""
    space = space or Space(tuple(key.hyperparameter for key in keys))
    plain = SearchSettings(
        file, BaseTraining(base_config_file, base_config), SearchSpace(tuple(keys), space),
        Objective("top1", eval_size(base_config)), Sampling(Component("bayes"), "shipped"),
        Repeats(), Budget(space.size or 20), Devices(), Output(output_dir))
    return change(plain, **changes)


def change(settings: SearchSettings, **changes: Any) -> SearchSettings:
    """``settings`` with other values of keys of a search file."""
    for key, value in changes.items():
        name = _RENAMED.get(key, key)
        if key == "search_mode":
            name, value = "sampler", Component(value)
        if key == "pruner" and isinstance(value, dict):
            value = Component(value["name"], {k: v for k, v in value.items() if k != "name"})
        group = next((group for group, kind in _GROUPS.items()
                      if name in {field.name for field in dataclasses.fields(kind)}
                      and name != "file"), None)
        if group is not None and key != "file":
            value = dataclasses.replace(getattr(settings, group), **{name: value})
        settings = dataclasses.replace(settings, **{group or name: value})
        if key == "base_config":
            settings = change(settings, eval_size=eval_size(settings.base.config))
    return settings
