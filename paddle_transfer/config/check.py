"""All mistakes of a PaddleClas config that is to be searched, found without importing anything."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.base import GLOBAL_DEFAULTS, TOPK_METRICS, class_num, components
from paddle_transfer.config.pretrained import check_transfer
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import did_you_mean, show

#: Sections without which the engine does not start, or measures no metric.
NEEDED = ("Global", "Arch", "Loss.Train", "Optimizer", "DataLoader.Train", "DataLoader.Eval",
          "Metric.Eval")


def check_base(config: dict[str, Any], issues: ValidationIssues, *, prefix: str,
               lacking: ValidationIssues | None = None, tested: bool = False) -> None:
    """Add the mistakes of ``config`` to ``issues``.

    :param prefix: the file, which stands before every path
    :param lacking: takes missing folders and files of the data sets in place of ``issues``
    :param tested: whether the test list is needed, too
    """
    found, missing = ValidationIssues(), ValidationIssues()
    for section in NEEDED:
        value, top = dotpath.find(config, section), section.partition(".")[0]
        if not value:
            hint = did_you_mean(top, list(config)) if top not in config else ""
            found.add(section, "is needed", "nothing there", hint if hint.startswith("Did") else
                      "See any training config of PaddleClas.")
        elif not isinstance(value, (dict, list)):
            found.add(section, "must be a mapping or a list", show(value))
    check_transfer(config, found)
    _check_global(config.get("Global"), found)
    _check_topk(config, found)
    _check_files(config, ("Train", "Eval", "Test") if tested else ("Train", "Eval"), missing)
    for target, added in ((issues, found), (issues if lacking is None else lacking, missing)):
        target += [replace(issue, where=f"{prefix}: {issue.where}") for issue in added]


def _check_global(section: object, issues: ValidationIssues) -> None:
    if not isinstance(section, dict) or not section:
        return
    section = {**GLOBAL_DEFAULTS, **section}
    epochs, interval = section.get("epochs"), section["eval_interval"]
    valid = True
    for name, value in (("epochs", epochs), ("eval_interval", interval)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            issues.add(f"Global.{name}", "must be a whole number, 1 or more", show(value))
            valid = False
    if section["eval_during_train"] is not True:
        issues.add("Global.eval_during_train", "must be True: a search needs a metric",
                   show(section["eval_during_train"]))
    start = section.get("start_eval_epoch", 0)
    if valid and isinstance(start, int) and epochs // interval * interval <= max(start, 0):
        issues.add("Global.eval_interval", "must let at least one epoch be evaluated",
                   f"eval_interval {interval}, start_eval_epoch {start}, epochs {epochs}",
                   "Evaluate every epoch: 1.")


def _check_topk(config: dict[str, Any], issues: ValidationIssues) -> None:
    classes = class_num(config)
    for part in ("Train", "Eval"):
        for metric, arguments in components(config, f"Metric.{part}"):
            given = arguments.get("topk", [1, 5])
            topk = given if isinstance(given, list) else [given]
            numbers = [k for k in topk if isinstance(k, int)]
            if (metric in TOPK_METRICS and metric.endswith("TopkAcc") and classes
                    and max(numbers, default=0) > classes):
                issues.add(f"Metric.{part}", f"top-k must not be larger than the {classes} "
                           "classes of Arch.class_num", f"topk {topk}",
                           f"Write topk: {[k for k in numbers if k <= classes] or [1]}.")


def _check_files(config: dict[str, Any], modes: tuple[str, ...], issues: ValidationIssues) -> None:
    """Folders and lists of the data sets must exist; PaddleClas looks in the current directory."""
    loaders = config.get("DataLoader")
    for mode, loader in loaders.items() if isinstance(loaders, dict) else ():
        dataset = loader.get("dataset") if isinstance(loader, dict) else None
        if mode not in modes or not isinstance(dataset, dict):
            continue
        for key, exists, kind in (("image_root", os.path.isdir, "folder"),
                                  ("cls_label_path", os.path.isfile, "file")):
            value = dataset.get(key)
            if isinstance(value, str) and not exists(value):
                hint = "" if os.path.isabs(value) else f"It is looked for in {os.getcwd()}."
                issues.add(f"DataLoader.{mode}.dataset.{key}", f"must be a {kind} that exists",
                           repr(value), hint)
