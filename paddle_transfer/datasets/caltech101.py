"""Caltech-101: a folder per class and no official split; ``BACKGROUND_Google`` is left out.

30 images a class are drawn for training by a seeded draw without replacement, the rest is test.
"""

from __future__ import annotations

from pathlib import Path

from paddle_transfer.datasets.base import Layout
from paddle_transfer.datasets.split import draw
from paddle_transfer.errors import DataError

PER_CLASS = 30


def read(root: Path, seed: int) -> Layout:
    folder = root / "101_ObjectCategories"
    classes = sorted(
        path.name
        for path in folder.iterdir()
        if path.is_dir() and path.name != "BACKGROUND_Google" and not path.name.startswith("."))
    if not classes:
        raise DataError(f"{folder}: should hold a folder per class, but holds none")
    train, test = [], []
    for number, name in enumerate(classes):
        images = sorted(path.name for path in (folder / name).glob("*.jpg"))
        # A class of the full archive has 31 images or more; a smaller one keeps a third for testing.
        count = min(PER_CLASS, max(1, len(images) * 2 // 3))
        chosen = draw(len(images), count=count, seed=f"{seed}/{name}")
        for i, image in enumerate(images):
            (train if i in chosen else test).append(
                (f"101_ObjectCategories/{name}/{image}", number))
    return Layout(tuple(classes), {"train": train, "test": test})
