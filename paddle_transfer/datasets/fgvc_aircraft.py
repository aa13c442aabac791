"""FGVC Aircraft by variant: ``images_variant_{train,val,test}.txt`` with lines ``id name with spaces``."""

from __future__ import annotations

from pathlib import Path

from paddle_transfer.datasets.base import Layout, lines_of
from paddle_transfer.errors import DataError


def read(root: Path, seed: int) -> Layout:
    data = root / "fgvc-aircraft-2013b" / "data"
    files = {split: data / f"images_variant_{split}.txt" for split in ("train", "val", "test")}
    parts = {
        split: [line.partition(" ")[::2]
                for line in lines_of(file)]
        for split, file in files.items()
    }
    listed = data / "variants.txt"
    classes = lines_of(listed) if listed.exists() else sorted({name for _, name in parts["train"]})
    number = {name: i for i, name in enumerate(classes)}
    splits: dict[str, list[tuple[str, int]]] = {}
    for split, rows in parts.items():
        splits[split] = []
        for image, name in rows:
            if name not in number:
                raise DataError(f"{files[split]}: image {image} has the unknown variant {name!r}")
            splits[split].append((f"fgvc-aircraft-2013b/data/images/{image}.jpg", number[name]))
    return Layout(tuple(classes), splits)
