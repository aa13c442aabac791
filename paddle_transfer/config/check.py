"""Whether a PaddleClas config can be trained and searched: all its mistakes, before anything is imported or run."""

from __future__ import annotations

import os
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.base import GLOBAL_DEFAULTS, TOPK_METRICS, class_num, components
from paddle_transfer.config.pretrained import check_transfer
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import did_you_mean, show

#: Sections without which the engine does not start, or gives no metric.
NEEDED = ("Global", "Arch", "Loss.Train", "Optimizer", "DataLoader.Train", "DataLoader.Eval",
          "Metric.Eval")


def check_base(config: dict, issues: ValidationIssues, *, prefix: str,
               lacking: ValidationIssues | None = None, tested: bool = False) -> None:
    """Add what is wrong with ``config``; ``prefix`` (the file) stands before every path.

    :param lacking: where folders and files of the data sets go that are not there; the ``issues`` when left out
    :param tested: whether the test list is needed, too
    """
    def add(path: str, rule: str, found: str = "", hint: str = "") -> None:
        issues.add(f"{prefix}: {path}", rule, found, hint)

    def lack(path: str, rule: str, found: str = "", hint: str = "") -> None:
        (issues if lacking is None else lacking).add(f"{prefix}: {path}", rule, found, hint)

    for section in NEEDED:
        value = dotpath.get(config, section) if dotpath.exists(config, section) else None
        top = section.partition(".")[0]
        if not value:
            slip = did_you_mean(top, list(config)) if top not in config else ""
            add(section, "is needed", "nothing there", slip if slip.startswith("Did") else
                "See any training config of PaddleClas.")
        elif not isinstance(value, (dict, list)):
            add(section, "must be a mapping or a list", show(value))
    check_transfer(config, issues, prefix=f"{prefix}: ")
    _check_global(config.get("Global"), add)
    _check_topk(config, add)
    _check_files(config, ("Train", "Eval", "Test") if tested else ("Train", "Eval"), lack)


def _check_global(section: Any, add) -> None:
    if not isinstance(section, dict) or not section:
        return
    section = {**GLOBAL_DEFAULTS, **section}
    epochs, interval = section.get("epochs"), section["eval_interval"]
    fine = True
    for name, value in (("epochs", epochs), ("eval_interval", interval)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            add(f"Global.{name}", "must be a whole number, 1 or more", show(value))
            fine = False
    if section["eval_during_train"] is not True:
        add("Global.eval_during_train", "must be True: a search needs a metric",
            show(section["eval_during_train"]))
    start = section.get("start_eval_epoch", 0)
    if fine and isinstance(start, int) and not any(
            epoch % interval == 0 and epoch > start for epoch in range(1, epochs + 1)):
        add("Global.eval_interval", "must let at least one epoch be evaluated",
            f"eval_interval {interval}, start_eval_epoch {start}, epochs {epochs}",
            "Evaluate every epoch: 1.")


def _check_topk(config: dict, add) -> None:
    classes = class_num(config)
    for part in ("Train", "Eval"):
        for metric, arguments in components(config, f"Metric.{part}"):
            topk = arguments.get("topk", [1, 5])
            topk = topk if isinstance(topk, list) else [topk]
            largest = max((k for k in topk if isinstance(k, int)), default=0)
            if metric in TOPK_METRICS and metric.endswith(
                    "TopkAcc") and classes and largest > classes:
                add(
                    f"Metric.{part}",
                    f"top-k must not be larger than the {classes} classes of Arch.class_num",
                    f"topk {topk}",
                    f"Write topk: {[k for k in topk if isinstance(k, int) and k <= classes] or [1]}."
                )


def _check_files(config: dict, modes: tuple[str, ...], add) -> None:
    """Folders and list files of the data sets must be there (PaddleClas takes them from the current directory)."""
    loaders = config.get("DataLoader")
    for mode, loader in loaders.items() if isinstance(loaders, dict) else ():
        dataset = loader.get("dataset") if isinstance(loader, dict) else None
        if mode not in modes or not isinstance(dataset, dict):
            continue
        for key, there, what in (("image_root", os.path.isdir, "folder"), ("cls_label_path",
                                                                           os.path.isfile, "file")):
            value = dataset.get(key)
            if isinstance(value, str) and not there(value):
                hint = "" if os.path.isabs(value) else f"It is looked for in {os.getcwd()}."
                add(f"DataLoader.{mode}.dataset.{key}", f"must be a {what} that exists",
                    repr(value), hint)
