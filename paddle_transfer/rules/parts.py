"""Arguments without which PaddleClas's losses and data sets cannot be built."""

from __future__ import annotations

from paddle_transfer import dotpath
from paddle_transfer.config.base import FURTHER, components
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.rules.base import Config, Rule
from paddle_transfer.rules.lists import LINE_BY_LINE

#: What a data set that reads a list needs; without operators it gives no images.
NEEDED = ("image_root", "cls_label_path", "transform_ops")


def check_losses(config: Config, issues: ValidationIssues) -> None:
    """PaddleClas asserts that every loss has a weight, also a single one, whose is not used."""
    for part in ("Train", "Eval"):
        for name, arguments in components(config, f"Loss.{part}"):
            if "weight" not in arguments:
                issues.add(f"Loss.{part}", f"{name} must have a weight", "none",
                           f"Write {name}: {{weight: 1.0}}.")


def check_datasets(config: Config, issues: ValidationIssues) -> None:
    """A data set that reads a list has the list, a folder and operators."""
    for part in ("Train", "Eval", *FURTHER):
        path = f"DataLoader.{part}.dataset"
        name = dotpath.find(config, f"{path}.name")
        for key in NEEDED if name in LINE_BY_LINE else ():
            if not dotpath.find(config, f"{path}.{key}"):
                issues.add(f"{path}.{key}", f"is needed by {name}", "nothing there")


LOSSES = Rule(("Loss",), check_losses, alone=True)
DATASETS = Rule(tuple(f"DataLoader.{part}.dataset.{key}" for part in ("Train", "Eval", *FURTHER)
                      for key in ("name", *NEEDED)), check_datasets, alone=True)
