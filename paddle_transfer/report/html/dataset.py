"""The data of a search: its lists, its classes, some images, what a check warns of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.checks.checker import check_known
from paddle_transfer.checks.config_splits import Split, label_list_file, read_splits
from paddle_transfer.checks.findings import Report
from paddle_transfer.checks.label_list import read_label_list
from paddle_transfer.report.html.pictures import Picture, picture

#: Classes and images of each of the contact sheet; their size in px.
ROWS, COLUMNS, SIZE = 12, 8, 72
#: Findings that are shown.
SHOWN = 12


@dataclass(frozen=True)
class Dataset:
    """
    :param splits: the lists by their names (``train``, ``val``, ...), those that can be read
    :param names: of the classes by label
    """

    splits: dict[str, Split] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)

    def class_name(self, label: int) -> str:
        """Distinct for every label."""
        name = self.names.get(label, "")
        double = sum(other == name for other in self.names.values()) > 1
        return f"{name} ({label})" if double else name or str(label)

    def counts(self, split: str) -> dict[int, int]:
        """Label -> images in a list."""
        made: dict[int, int] = {}
        for row in self.splits[split].rows:
            if row.label is not None:
                made[row.label] = made.get(row.label, 0) + 1
        return dict(sorted(made.items()))


@dataclass(frozen=True)
class Checked:
    """What a check of the data found.

    :param findings: some of them, errors first
    :param number: of all
    :param images: whether the images were looked at, not only the lists
    """

    findings: tuple[str, ...]
    number: int
    images: bool


def read_dataset(config: dict[str, Any]) -> Dataset:
    """The lists of a PaddleClas config whose paths are relative to the current directory."""
    splits = read_splits(config, file="", report=Report())
    return Dataset({split.name: split for split in splits}, _class_names(config))


def _class_names(config: dict[str, Any]) -> dict[int, str]:
    """From the label list that the config names, or the one beside its lists."""
    beside = dotpath.find(config, "DataLoader.Eval.dataset.cls_label_path")
    guesses = [label_list_file(config),
               str(Path(beside).with_name("label_list.txt")) if isinstance(beside, str) else None]
    for file in filter(None, guesses):
        try:
            return read_label_list(file)[0]
        except OSError:
            continue
    return {}


def contact_sheet(dataset: Dataset) -> list[tuple[str, list[Picture]]]:
    """(class, some training images of it) of at most ``ROWS`` classes; [] without images."""
    split = dataset.splits.get("train")
    if split is None:
        return []
    images: dict[int, list[str]] = {}
    for row, path in zip(split.rows, split.paths, strict=True):
        if row.label is not None:
            images.setdefault(row.label, []).append(path)
    labels, rows = sorted(images), []
    count = min(ROWS, len(labels))
    for label in (labels[i * len(labels) // count] for i in range(count)):
        some = Random(label).sample(images[label], min(COLUMNS, len(images[label])))
        shown = [one for one in (picture(path, SIZE) for path in some) if one.source]
        if shown:
            rows.append((dataset.class_name(label), shown))
    return rows


def checked(config: dict[str, Any]) -> Checked:
    """What ``paddle-transfer check`` warns of; images that it does not know are not looked at."""
    report, images = check_known(config)
    found: Sequence[Any] = [*report.errors, *report.warnings]
    return Checked(tuple(map(str, found[:SHOWN])), len(found), images)
