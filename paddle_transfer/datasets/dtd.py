"""DTD, split 1: ``labels/{train,val,test}1.txt`` with lines ``class/file.jpg``."""

from __future__ import annotations

from pathlib import Path

from paddle_transfer.checks.listfile import Entry
from paddle_transfer.datasets.base import Archive, Dataset, Layout, PrepareOptions
from paddle_transfer.datasets.files import read_lines
from paddle_transfer.errors import DataError


def read(root: Path, _options: PrepareOptions) -> Layout:
    lists = {split: read_lines(root / "dtd" / "labels" / f"{split}1.txt")
             for split in ("train", "val", "test")}
    classes = sorted({image.partition("/")[0] for image in lists["train"]})
    labels = {name: i for i, name in enumerate(classes)}
    splits: dict[str, list[Entry]] = {split: [] for split in lists}
    for split, images in lists.items():
        for image in images:
            name = image.partition("/")[0]
            if name not in labels:
                raise DataError(f"dtd/labels/{split}1.txt: {image} belongs to no class of "
                                "train1.txt")
            splits[split].append((f"dtd/images/{image}", labels[name]))
    return Layout(tuple(classes), splits)


DATASET = Dataset(
    "dtd", "DTD (split 1)", read,
    archives=(Archive("dtd-r1.0.1.tar.gz", "fff73e5086ae6bdbea199a49dfb8a4c1",
                      "https://www.robots.ox.ac.uk/~vgg/data/dtd/download/dtd-r1.0.1.tar.gz"),),
    files=("dtd/images", "dtd/labels/train1.txt", "dtd/labels/val1.txt", "dtd/labels/test1.txt"),
    classes=47, official={"train": 1880, "val": 1880, "test": 1880}, sample="dtd/images/banded")
