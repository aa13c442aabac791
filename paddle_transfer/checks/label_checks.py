"""Faults of labels, class counts and batch sizes."""

from collections import Counter
from itertools import islice
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.checks.class_maps import check_class_maps
from paddle_transfer.checks.config_splits import TRAINED, Split, label_list_file, topk_values
from paddle_transfer.checks.findings import Report
from paddle_transfer.checks.label_list import EXAMPLE, read_label_list
from paddle_transfer.config import resolve
from paddle_transfer.errors import show
from paddle_transfer.strategies.section import read_strategy

#: Outputs of a classifier without an image that are no oversight any more.
MOST_ABSENT = 10_000


def check_labels(splits: list[Split], *, config: dict[str, Any], file: str,
                 report: Report) -> None:
    """Check the labels of all lists against each other and against the config.

    :param file: name of the config
    """
    classes, where = resolve.class_num(config), resolve.class_num_path(config)
    for split in splits:
        _check_batches(split, report)
        if split.name == "source" and not _has_classes_of_the_network(split, config):
            _check_own_classes(split, report)
    splits = [split for split in splits if _has_classes_of_the_network(split, config)]
    check_class_maps(splits, config, report)
    for split in splits:
        _check_range(split, classes, where, report)
    counts = {split.name: Counter(row.label for row in split.rows if row.label is not None)
              for split in splits}
    if "train" in counts:
        _check_trained(splits, counts, classes, report)
        if classes is None:
            _check_unnamed(counts, config, file, report)
        else:
            _check_class_count(counts, classes, f"{where} is {classes}", file, report)
            _check_evaluated(splits, counts, report)
    _check_relabel(splits, counts, report)
    if classes is not None:
        _check_topk(config, classes, file, report)
        _check_names(config, classes, f"{where} is {classes}", report)


def _has_classes_of_the_network(split: Split, config: dict[str, Any]) -> bool:
    """Images of the source have others where two tasks are trained, or where nobody reads them."""
    return split.name != "unlabeled" and (
        split.name != "source" or read_strategy(config).strategy.shares_classes)


def _check_own_classes(split: Split, report: Report) -> None:
    """Its classifier has an output for every label up to the largest one."""
    _check_range(split, None, "", report)
    labels = {row.label for row in split.rows if row.label is not None and row.label >= 0}
    absent = max(labels, default=-1) + 1 - len(labels)
    if absent:
        report.add("class-count", split.file, 0, f"labels run to {max(labels)}, but {absent} of "
                   "these classes have no image", error=absent > MOST_ABSENT,
                   hint="Number the classes from 0 without gaps.")


def _check_range(split: Split, classes: int | None, where: str, report: Report) -> None:
    if split.dataset.get("relabel"):
        return
    labels = [row.label for row in split.rows if row.label is not None]
    if classes is not None and labels and min(labels) == 1 and max(labels) == classes:
        first = next(row for row in split.rows if row.label == classes)
        report.add("one-based", split.file, first.line, f"labels run from 1 to {classes}, but must "
                   f"be 0-based: 0 to {classes - 1}", hint="Take one from every label of the list.")
    for row in split.rows:
        if row.label is None:
            continue
        if row.label < 0:
            report.add("label-negative", split.file, row.line, f"label {row.label} is below 0",
                       hint="Labels are whole numbers from 0.")
        elif classes is not None and row.label >= classes:
            report.add("label-out-of-range", split.file, row.line, f"label {row.label}, but "
                       f"{where} is {classes}: labels are 0 to {classes - 1}",
                       hint=f"Correct the label, or write {where}: {row.label + 1} if there are "
                       "so many classes.")


def _check_trained(splits: list[Split], counts: dict[str, Counter[int]], classes: int | None,
                   report: Report) -> None:
    """Classes of other lists that have no training image."""
    for split in splits:
        untrained = set(counts[split.name]) - set(counts["train"])
        lines = {row.label: row.line for row in reversed(split.rows) if row.label in untrained}
        for label, line in sorted(lines.items(), key=lambda one: one[1]):
            if label is None or label < 0 or (classes is not None and label >= classes):
                continue  # reported as out of range
            report.add("class-without-train", split.file, line, f"class {label} has "
                       f"{counts[split.name][label]} {split.name} images, but none for training",
                       hint="Add training images of it, or take its lines out of this list.")


def _check_class_count(counts: dict[str, Counter[int]], classes: int, told: str, file: str,
                       report: Report) -> None:
    present = {label for labels in counts.values() for label in labels if 0 <= label < classes}
    absent = classes - len(present)
    if absent:
        first = list(islice((label for label in range(classes) if label not in present), 11))
        report.add("class-count", file, 0, f"{told}, but {absent} of these classes have no "
                   f"image at all: {_first(first)}", error=False,
                   hint="Is the number of classes right, and are all of them listed?")


def _check_unnamed(counts: dict[str, Counter[int]], config: dict[str, Any], file: str,
                   report: Report) -> None:
    """There is no class count to compare with: the network has PaddleClas's default, or none."""
    labels, where = sorted(set().union(*counts.values())), resolve.class_num_path(config)
    outputs = resolve.outputs(config)
    if not labels or outputs == labels[-1] + 1:
        return
    needed = len(labels) if labels[0] == 1 else labels[-1] + 1
    if dotpath.exists(config, where):
        told = f"{where} must be a whole number, 1 or more, but is "
        told += show(dotpath.get(config, where))
    else:
        told = f"{where} is not set" + (f": the network gets {outputs} outputs" if outputs else "")
    report.add("class-count", file, 0, f"{told}. So no label can be checked against it; the lists "
               f"have labels {labels[0]} to {labels[-1]}",
               error=outputs is not None or dotpath.exists(config, where),
               hint=f"Write {where}: {needed}." + (
                   " Labels begin at 0: take one from each." if labels[0] == 1 else ""))


def _check_evaluated(splits: list[Split], counts: dict[str, Counter[int]], report: Report) -> None:
    for split in splits:
        empty = sorted(set(counts["train"]) - set(counts[split.name]))
        if empty and split.name != "source":
            report.add("class-without-images", split.file, 0, f"{len(empty)} classes with training "
                       f"images have no {split.name} image: {_first(empty)}", error=False,
                       hint="No metric says how well they are told apart (mean_per_class is over "
                       "the others); hold some images out.")


def _first(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:10])) + (", ..." if len(numbers) > 10 else "")


def _check_relabel(splits: list[Split], counts: dict[str, Counter[int]], report: Report) -> None:
    relabelled = [split for split in splits if split.dataset.get("relabel")]
    for split in relabelled[1:]:
        if set(counts[split.name]) != set(counts[relabelled[0].name]):
            report.add("relabel", split.file, 0, "relabel: True numbers the labels of each list by "
                       f"itself, and this list has others than {relabelled[0].file}",
                       hint="Write 0-based labels and leave relabel out.")


def _check_topk(config: dict[str, Any], classes: int, file: str, report: Report) -> None:
    for path, values in topk_values(config):
        large = [k for k in values if k > classes]
        if large:
            searched = values[0] in large and path.startswith("Metric.Eval")  # is maximised
            report.add("topk", file, 0, f"{path} is {values}, but there are only {classes} classes",
                       error=searched, hint=f"Leave {', '.join(map(str, large))} out.")


def _check_names(config: dict[str, Any], classes: int, told: str, report: Report) -> None:
    file = label_list_file(config)
    if file is None:
        return
    try:
        names, faults = read_label_list(file)
    except OSError as error:
        report.add("label-list", file, 0, f"it cannot be read: {error.strerror}", error=False)
        return
    for line, fault in faults:
        report.add("label-list", file, line, f"PaddleClas shows no class by its name, because of "
                   f"this line: {fault}", error=False, hint=EXAMPLE)
    if len(names) != classes or any(not 0 <= number < classes for number in names):
        span = f" from {min(names)} to {max(names)}" if names else ""
        report.add("label-list", file, 0, f"it names {len(names)} classes{span}, but "
                   f"{told}: 0 to {classes - 1}", error=False,
                   hint=EXAMPLE)


def _check_batches(split: Split, report: Report) -> None:
    sampler = split.section.get("sampler") or {}
    size = sampler.get("batch_size")
    if not sampler.get("drop_last") or not isinstance(size, int) or size < 1:
        return
    count = len(split.rows)
    if split.name in TRAINED:
        if count < size:
            report.add("batch-too-large", split.file, 0, f"{count} images, but batch_size is "
                       f"{size} and drop_last is on: not one batch",
                       hint="Make batch_size smaller or drop_last False.")
    elif count % size:
        report.add("drop-last", split.file, 0, "drop_last is on, with which PaddleClas's own tools "
                   f"leave {count % size} of {count} images out; here all are evaluated",
                   hint="Write drop_last: False.", error=False)
