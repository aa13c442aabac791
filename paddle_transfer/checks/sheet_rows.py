"""Which images a contact sheet shows."""

import random
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from paddle_transfer.checks.class_maps import map_beside
from paddle_transfer.checks.config_splits import (
    SECTIONS,
    TRAINED,
    Split,
    label_list_file,
    read_splits,
)
from paddle_transfer.checks.findings import Report
from paddle_transfer.checks.images import inspect_image
from paddle_transfer.checks.label_list import read_label_list
from paddle_transfer.errors import DataError, one_line

COLUMNS, MAX_CLASSES = 8, 40  # images a row, rows of a list
UNLABELED_ROWS = 3


@dataclass(frozen=True)
class Row:
    """``COLUMNS`` - 1 images of one label.

    :param section: of ``DataLoader``, with the transforms
    :param title: at the left
    """

    section: str
    label: int
    title: str
    images: list[str]


def choose_rows(config: dict[str, Any], *, seed: int) -> tuple[list[Row], list[str]]:
    """Good images of the lists that are trained on, drawn with ``seed`` (repeated if there are
    fewer), of up to ``MAX_CLASSES`` labels of each list, spread evenly; and remarks about what is
    left out. Raises DataError."""
    rows, remarks = list[Row](), list[str]()
    for split in read_splits(config, file="", report=Report()):
        if split.name in TRAINED:
            which = "" if split.name == "train" else f"{split.name} "
            names = _names(split, config)
            chosen, left_out = _choose(_images(split, seed), seed)
            rows += [Row(SECTIONS[split.name], label, f"{which}{label} {names.get(label, '')}"
                         if split.name != "unlabeled" else which, images)
                     for label, images in chosen.items()]
            remarks += [f"{which}{remark}" for remark in left_out]
    return rows, remarks


def _images(split: Split, seed: int) -> dict[int, list[str]]:
    """The images by label; those without one in ``UNLABELED_ROWS`` parts."""
    if split.name == "unlabeled":
        paths = list(split.paths)
        random.Random(f"{seed}/unlabeled").shuffle(paths)
        return {i: paths[i::UNLABELED_ROWS] for i in range(min(UNLABELED_ROWS, len(paths)))}
    images = defaultdict[int, list[str]](list)
    for row, path in zip(split.rows, split.paths, strict=True):
        if row.label is not None:
            images[row.label].append(path)
    return images


def _names(split: Split, config: dict[str, Any]) -> dict[int, str]:
    """Names of classes by label. Raises DataError."""
    file = label_list_file(config) if split.name == "train" else map_beside(split.file)
    try:
        return read_label_list(file)[0] if file else {}
    except OSError as error:
        raise DataError(f"{file}: {error.strerror}") from error


def _choose(images: dict[int, list[str]], seed: int) -> tuple[dict[int, list[str]], list[str]]:
    """The images of each row by its label, and remarks."""
    labels = sorted(images)
    count = min(MAX_CLASSES, len(labels))
    chosen, bad, empty = dict[int, list[str]](), list[str](), list[str]()
    for label in (labels[i * len(labels) // count] for i in range(count)):
        paths = images[label]
        random.Random(f"{seed}/{label}").shuffle(paths)
        good = list[str]()
        for path in paths[:4 * COLUMNS]:
            if len(good) < COLUMNS - 1:
                (bad if inspect_image(path).fault else good).append(path)
        if good:
            chosen[label] = [good[i % len(good)] for i in range(COLUMNS - 1)]
        else:
            empty.append(str(label))
    remarks = [f"{count} of {len(labels)} classes"] if count < len(labels) else []
    if bad:
        more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        remarks.append(f"left out, broken or missing: {one_line(bad[0], 200)}{more}")
    if empty:
        remarks.append(f"no good image of class {one_line(', '.join(empty), 100)}")
    return chosen, remarks
