"""DTD, split 1: ``labels/{train,val,test}1.txt`` with lines ``class/file.jpg``."""

from __future__ import annotations

from pathlib import Path

from paddle_transfer.datasets.base import Layout, lines_of
from paddle_transfer.errors import DataError


def read(root: Path, seed: int) -> Layout:
    lines = {
        split: lines_of(root / "dtd" / "labels" / f"{split}1.txt")
        for split in ("train", "val", "test")
    }
    classes = sorted({line.partition("/")[0] for line in lines["train"]})
    number = {name: i for i, name in enumerate(classes)}
    splits: dict[str, list[tuple[str, int]]] = {}
    for split, images in lines.items():
        splits[split] = []
        for image in images:
            if image.partition("/")[0] not in number:
                raise DataError(
                    f"dtd/labels/{split}1.txt: {image} belongs to no class of train1.txt")
            splits[split].append((f"dtd/images/{image}", number[image.partition("/")[0]]))
    return Layout(tuple(classes), splits)
