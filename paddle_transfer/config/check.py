"""All mistakes of a PaddleClas config that is to be searched, found without importing anything."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config import resolve
from paddle_transfer.config.base import FURTHER, GLOBAL_DEFAULTS, components, list_at
from paddle_transfer.config.evaluation import check_whole_lists
from paddle_transfer.config.pretrained import check_transfer
from paddle_transfer.config.shape import check_shape
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import did_you_mean, show

#: Sections without which the engine does not start, or measures no metric.
NEEDED = ("Global", "Arch", "Loss.Train", "Optimizer", "DataLoader.Train", "DataLoader.Eval",
          "Metric.Eval")

#: Losses between the outputs of a student and its teacher, which need as many classes.
_OF_LOGITS = ("DistillationCELoss", "DistillationDMLLoss", "DistillationKLDivLoss",
              "DistillationDKDLoss", "DistillationWSLLoss", "DistillationSKDLoss")


def check_base(config: dict[str, Any], issues: ValidationIssues, *, prefix: str,
               lacking: ValidationIssues | None = None, tested: bool = False) -> None:
    """Add the mistakes of ``config`` to ``issues``.

    :param prefix: the file, which stands before every path
    :param lacking: takes missing folders and files of the data sets in place of ``issues``
    :param tested: whether the test list is needed, too
    """
    found, missing = ValidationIssues(check_shape(config)), ValidationIssues()
    shapely = not found
    check_needed(config, found)
    if shapely:  # the rules below rely on it
        check_transfer(config, found)
        check_global(config, found)
        check_classes(config, found)
        check_topk(config, found)
        check_whole_lists(config, found)
        check_files(config, ("Train", "Eval", *FURTHER, *(("Test", ) if tested else ())), missing)
    for target, added in ((issues, found), (issues if lacking is None else lacking, missing)):
        target += [replace(issue, where=f"{prefix}: {issue.where}") for issue in added]


def check_needed(config: dict[str, Any], issues: ValidationIssues) -> None:
    """The sections without which nothing trains, unless ``issues`` have what is wrong there."""
    told = [issue.where for issue in issues]
    for section in NEEDED:
        top = section.partition(".")[0]
        if not dotpath.find(config, section) and not any(
                f"{section}.".startswith(f"{where}.") for where in told):
            hint = did_you_mean(top, list(config)) if top not in config else ""
            issues.add(section, "is needed", "nothing there", hint if hint.startswith("Did") else
                       "See any training config of PaddleClas.")


def check_global(config: dict[str, Any], issues: ValidationIssues) -> None:
    """How long the training is, and that at least one epoch of it is evaluated."""
    section = config.get("Global")
    if not isinstance(section, dict) or not section:
        return
    section = {**GLOBAL_DEFAULTS, **section}
    start, config = section.get("start_eval_epoch", 0), {"Global": section}
    valid = True
    for name, resolved in (("epochs", resolve.epochs), ("eval_interval", resolve.eval_interval)):
        if resolved(config) is None:
            issues.add(f"Global.{name}", "must be a whole number, 1 or more",
                       show(section.get(name)))
            valid = False
    if not isinstance(start, int) or isinstance(start, bool):
        issues.add("Global.start_eval_epoch", "must be a whole number", show(start))
        valid = False
    for name in ("save_interval", "print_batch_step"):  # the engine divides by them
        value = section[name]
        if isinstance(value, bool) or not isinstance(value, int) or value == 0:
            issues.add(f"Global.{name}", "must be a whole number other than 0", show(value))
    for name in ("iter_per_epoch", "update_freq"):
        if section.get(name) is not None and resolve.whole(section[name]) is None:
            issues.add(f"Global.{name}", "must be a whole number, 1 or more", show(section[name]))
    if valid and not resolve.evaluated_epochs(config):
        issues.add("Global.eval_interval", "must let at least one epoch be evaluated",
                   f"eval_interval {section['eval_interval']}, start_eval_epoch {start}, epochs "
                   f"{section['epochs']}", "Evaluate every epoch: 1.")


def check_classes(config: dict[str, Any], issues: ValidationIssues) -> None:
    """Add mistakes of the class counts: of the network, or of every network of a distillation, and
    of the labels that are mixed."""
    classes, path = resolve.class_num(config), resolve.class_num_path(config)
    places = dict.fromkeys([path, *(f"{place}.class_num" for place in resolve.networks(config))])
    wrong = [place for place in places
             if dotpath.exists(config, place) and resolve.whole(dotpath.get(config, place)) is None]
    for place in wrong:
        issues.add(place, "must be a whole number, 1 or more", show(dotpath.get(config, place)),
                   "It is the number of classes, as many as the lists have.")
    if wrong or classes is None:
        return
    _check_other_counts(config, path, classes, issues)
    for place in resolve.networks(config):
        other = resolve.whole(dotpath.find(config, f"{place}.class_num"))
        if other not in (None, classes) and _compares_logits(config):
            issues.add(f"{place}.class_num", f"must be {path}: a loss of Loss.Train compares the "
                       "outputs of both networks", f"{other} and {classes}")
    if list_at(config, "DataLoader.Train.dataset.batch_transform_ops") and (
            resolve.mixed_classes(config) is None):
        issues.add("Arch.class_num", f"must be {path}: batch_transform_ops make labels of so many "
                   "classes", "nothing there", f"Write Arch.class_num: {classes}.")


def _check_other_counts(config: dict[str, Any], path: str, classes: int,
                        issues: ValidationIssues) -> None:
    """Counts that PaddleClas passes over must not say something else: their author counts on
    them."""
    for place in ("Arch.class_num", "Global.class_num"):
        if place != path and dotpath.exists(config, place):
            found = dotpath.get(config, place)
            if found != classes:
                issues.add(place, f"must be {path}, which the network is built with",
                           f"{show(found)} and {classes}", "Take it out, or make them the same.")


def _compares_logits(config: dict[str, Any]) -> bool:
    """Whether a loss compares the outputs of the networks of a distillation."""
    return any(name in _OF_LOGITS and arguments.get("key") in (None, "logits")
               for name, arguments in components(config, "Loss.Train"))


def check_topk(config: dict[str, Any], issues: ValidationIssues) -> None:
    """No top-k metric asks for more classes than there are."""
    classes, where = resolve.outputs(config), resolve.class_num_path(config)
    for path, _, topk in resolve.topk(config):
        numbers = [k for k in topk if isinstance(k, int)]
        if classes and max(numbers, default=0) > classes:
            issues.add(".".join(path.split(".")[:2]), "top-k must not be larger than the "
                       f"{classes} classes of {where}", f"topk {topk}",
                       f"Write topk: {[k for k in numbers if k <= classes] or [1]}.")


def check_files(config: dict[str, Any], modes: tuple[str, ...], issues: ValidationIssues) -> None:
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
