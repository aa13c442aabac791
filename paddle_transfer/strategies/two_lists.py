"""What strategies that train on two lists at once cannot be combined with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config import resolve
from paddle_transfer.config.base import FURTHER
from paddle_transfer.errors import ValidationIssue, show

#: What no strategy on two lists can be combined with, and why not.
REFUSES = {"several_devices": "because what is trained beside the network is not shared among them",
           "amp": "whose second losses are of 32 bits",
           "ema": "which measures the network that it trains itself"}

#: The datasets whose lists are read.
DATASETS = ("ImageNetDataset", "LogoDataset", "ICartoonDataset")

_HINT = "Take it out, or choose another strategy."


def check_two_lists(config: dict[str, Any], name: str) -> list[ValidationIssue]:
    """:param name: of the strategy, which has one loop, one network and one label an image"""
    common = resolve.section(config, "Global")
    found = [("Global.use_multilabel", "images have one label each", resolve.is_multilabel(config)),
             ("Global.use_dali", "data are read by PaddleClas itself", common.get("use_dali")),
             ("Global.train_mode", "there is one training loop", common.get("train_mode")),
             ("Global.checkpoints", "nothing is resumed: what is trained beside the network is not "
              "in a checkpoint", common.get("checkpoints")),
             ("Arch.models", "there is one network", bool(resolve.networks(config)))]
    found += [(path, "labels are not mixed", dotpath.find(config, path)) for path in (
        f"DataLoader.{part}.dataset.batch_transform_ops" for part in FURTHER)]
    if common.get("eval_mode", "classification") != "classification":
        found.append(("Global.eval_mode", "what is evaluated is a classification",
                      common["eval_mode"]))
    return [*(ValidationIssue(where, f"under the strategy {name} {rule}", show(value), _HINT)
              for where, rule, value in found if value), *_check_form(config)]


def _check_form(config: dict[str, Any]) -> Iterator[ValidationIssue]:
    """The sections of both lists are whole, and their lists of a form that is read here."""
    for part in FURTHER:
        section = dotpath.find(config, f"DataLoader.{part}")
        if not isinstance(section, dict):
            continue
        for key in ("dataset", "sampler", "loader"):
            if not section.get(key):
                yield ValidationIssue(f"DataLoader.{part}.{key}", "is needed", "nothing there",
                                      f"Write it as DataLoader.Train.{key}.")
        name = dotpath.find(config, f"DataLoader.{part}.dataset.name")
        if section.get("dataset") and name not in DATASETS:
            yield ValidationIssue(f"DataLoader.{part}.dataset.name", "must be one of "
                                  f"{', '.join(DATASETS)}, whose lists have an image and a label a "
                                  "line", show(name))
