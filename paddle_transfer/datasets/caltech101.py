"""Caltech-101: a folder per class and no official split; ``BACKGROUND_Google`` is left out.

30 images a class are drawn for training, seeded and without replacement; the rest is test.
"""

from pathlib import Path

from paddle_transfer.checks.listfile import Entry
from paddle_transfer.datasets.base import Archive, Dataset, Layout, PrepareOptions
from paddle_transfer.datasets.skipped import is_litter
from paddle_transfer.datasets.split import draw
from paddle_transfer.errors import DataError

FOLDER = "101_ObjectCategories"
PER_CLASS = 30


def read(root: Path, options: PrepareOptions) -> Layout:
    classes = sorted(path.name for path in (root / FOLDER).iterdir() if path.is_dir()
                     and path.name != "BACKGROUND_Google" and not path.name.startswith(".")
                     and not is_litter(path.name))
    if not classes:
        raise DataError(f"{root / FOLDER}: should hold a folder per class, but holds none")
    splits: dict[str, list[Entry]] = {"train": [], "test": []}
    for label, name in enumerate(classes):
        images = sorted(path.name for path in (root / FOLDER / name).glob("*.jpg")
                        if not is_litter(path.name))
        # A class of the full archive has 31 images or more; a smaller one keeps a third for test.
        count = min(PER_CLASS, max(1, len(images) * 2 // 3))
        chosen = draw(len(images), count=count, seed=f"{options.seed}/{name}")
        for i, image in enumerate(images):
            splits["train" if i in chosen else "test"].append((f"{FOLDER}/{name}/{image}", label))
    return Layout(tuple(classes), splits)


DATASET = Dataset(
    "caltech101", "Caltech-101", read,
    archives=(Archive(f"{FOLDER}.tar.gz", "b224c7392d521a49829488ab0f1120d9", inside=Archive(
        "caltech-101.zip",
        url="https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip")),),
    files=(FOLDER,), classes=101, official={"train": 3030, "test": 5647}, hold_out=1 / 6,
    metric="mean_per_class", sample=f"{FOLDER}/accordion")
