"""What can be wrong with labels and class counts, in lists that were read."""

from __future__ import annotations

import os
from collections import Counter

from paddle_transfer.checks.config_splits import Split, topk_of
from paddle_transfer.checks.findings import Report
from paddle_transfer.checks.listfile import read_label_list


def check_labels(splits: list[Split], classes: int | None, *, config: dict, file: str,
                 report: Report) -> None:
    for split in splits:
        _check_range(split, classes, report)
    counts = {
        split.name: Counter(row.label
                            for row in split.rows
                            if row.label is not None)
        for split in splits
    }
    _check_presence(splits, counts, classes, file=file, report=report)
    _check_relabel(splits, counts, report)
    if classes is not None:
        _check_topk(config, classes, file=file, report=report)
        _check_names(config, classes, file=file, report=report)
    for split in splits:
        _check_batches(split, file, report)


def _check_range(split: Split, classes: int | None, report: Report) -> None:
    if split.dataset.get("relabel"):
        return
    labels = [row.label for row in split.rows if row.label is not None]
    if classes is not None and labels and min(labels) == 1 and max(labels) == classes:
        first = next(row for row in split.rows if row.label == classes)
        report.add("one-based", split.file, first.line,
                   f"labels run from 1 to {classes}, but must be 0-based: "
                   f"0 to {classes - 1}", hint="Take one from every label of the list.")
    for row in split.rows:
        if row.label is None:
            continue
        if row.label < 0:
            report.add("label-negative", split.file, row.line, f"label {row.label} is below 0")
        elif classes is not None and row.label >= classes:
            report.add(
                "label-out-of-range", split.file, row.line,
                f"label {row.label}, but Arch.class_num is {classes}: labels are 0 to {classes - 1}"
            )


def _check_presence(splits: list[Split], counts: dict[str, Counter], classes: int | None, *,
                    file: str, report: Report) -> None:
    train = counts.get("train")
    if train is None:
        return
    for split in splits:
        if split.name == "train":
            continue
        for label in sorted(label for label in set(counts[split.name]) - set(train)
                            if label >= 0 and (classes is None or label < classes)):
            line = next(row.line for row in split.rows if row.label == label)
            report.add(
                "class-without-train", split.file, line,
                f"class {label} has {counts[split.name][label]} "
                f"{split.name} images, but none for training")
    known = set().union(*counts.values())
    if classes is None:
        report.add("class-count", file, 0, "Arch.class_num is not set", error=False)
        return
    absent = sorted(set(range(classes)) - known)
    if absent:
        report.add(
            "class-count", file, 0,
            f"Arch.class_num is {classes}, but {len(absent)} of these classes have no "
            f"image at all: {_some(absent)}", error=False)
    for split in splits:
        empty = sorted(set(train) - set(counts[split.name]))
        if split.name != "train" and empty:
            report.add(
                "class-without-images", split.file, 0,
                f"{len(empty)} classes with training images have no "
                f"{split.name} image: {_some(empty)}", error=False)


def _some(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:10])) + (", ..." if len(numbers) > 10 else "")


def _check_relabel(splits: list[Split], counts: dict[str, Counter], report: Report) -> None:
    marked = [split for split in splits if split.dataset.get("relabel")]
    for split in marked[1:]:
        if set(counts[split.name]) != set(counts[marked[0].name]):
            report.add(
                "relabel", split.file, 0,
                "relabel: True numbers the labels of each list by itself, and this "
                f"list has others than {marked[0].file}",
                hint="Write 0-based labels and leave relabel out.")


def _check_topk(config: dict, classes: int, *, file: str, report: Report) -> None:
    for path, ks in topk_of(config):
        large = [k for k in ks if k > classes]
        if large:
            first = ks[0] in large and path.startswith(
                "Metric.Eval")  # this is the number that a search maximises
            report.add("topk", file, 0, f"{path} is {ks}, but there are only {classes} classes",
                       error=first, hint=f"Leave {', '.join(map(str, large))} out.")


def _check_names(config: dict, classes: int, *, file: str, report: Report) -> None:
    names = ((config.get("Infer") or {}).get("PostProcess") or {}).get("class_id_map_file")
    if not names or not os.path.isfile(str(names)):
        return
    numbers = sorted(read_label_list(str(names)))
    if numbers != list(range(classes)):
        report.add("label-list", names, 0, f"it names {len(numbers)} classes"
                   + (f" from {numbers[0]} to {numbers[-1]}" if numbers else "")
                   + f", but Arch.class_num is {classes}: 0 to {classes - 1}", error=False)


def _check_batches(split: Split, file: str, report: Report) -> None:
    sampler = split.section.get("sampler") or {}
    size = sampler.get("batch_size")
    if sampler.get("drop_last") and isinstance(size, int) and len(split.rows) < size:
        report.add(
            "batch-too-large", split.file, 0,
            f"{len(split.rows)} images, but batch_size is {size} and "
            "drop_last is on: not one batch", hint="Make batch_size smaller or drop_last False.",
            error=split.name == "train")
