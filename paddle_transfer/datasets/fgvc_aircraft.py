"""FGVC Aircraft by variant: ``images_variant_{train,val,test}.txt``, ``id name with spaces``."""

from __future__ import annotations

from pathlib import Path

from paddle_transfer.checks.listfile import Entry
from paddle_transfer.datasets.base import Archive, Dataset, Layout, PrepareOptions
from paddle_transfer.datasets.files import read_lines
from paddle_transfer.errors import DataError

DATA = "fgvc-aircraft-2013b/data"


def read(root: Path, _options: PrepareOptions) -> Layout:
    files = {split: root / DATA / f"images_variant_{split}.txt"
             for split in ("train", "val", "test")}
    rows = {split: [line.partition(" ")[::2] for line in read_lines(file)]
            for split, file in files.items()}
    variants = root / DATA / "variants.txt"
    classes = (read_lines(variants) if variants.exists()
               else sorted({name for _, name in rows["train"]}))
    labels = {name: i for i, name in enumerate(classes)}
    splits: dict[str, list[Entry]] = {split: [] for split in rows}
    for split, pairs in rows.items():
        for image, name in pairs:
            if name not in labels:
                raise DataError(f"{files[split]}: image {image} has the unknown variant {name!r}")
            splits[split].append((f"{DATA}/images/{image}.jpg", labels[name]))
    return Layout(tuple(classes), splits)


DATASET = Dataset(
    "fgvc_aircraft", "FGVC Aircraft (variants)", read,
    archives=(Archive("fgvc-aircraft-2013b.tar.gz", "", "https://www.robots.ox.ac.uk/~vgg/data/"
                      "fgvc-aircraft/archives/fgvc-aircraft-2013b.tar.gz"),),
    files=(f"{DATA}/images", f"{DATA}/images_variant_train.txt"),
    classes=100, official={"train": 3334, "val": 3333, "test": 3333}, metric="mean_per_class",
    sample=f"{DATA}/images")
