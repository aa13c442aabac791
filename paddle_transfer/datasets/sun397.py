"""SUN397, partition 1: ``Training_01.txt`` and ``Testing_01.txt`` with lines ``/a/abbey/sun_xyz.jpg``.

Some of its ``.jpg`` files are BMP, PNG or GIF inside, and one does not decode: ``prepare`` looks at every image.
"""

from __future__ import annotations

from pathlib import Path

from paddle_transfer.datasets.base import Layout, lines_of
from paddle_transfer.errors import DataError


def read(root: Path, seed: int) -> Layout:
    partitions = root / "Partitions"
    names = next((path for path in (partitions / "ClassName.txt", root / "SUN397" / "ClassName.txt")
                  if path.exists()), partitions / "ClassName.txt")
    classes = lines_of(names)
    number = {name: i for i, name in enumerate(classes)}
    splits: dict[str, list[tuple[str, int]]] = {}
    for split, file in (("train", "Training_01.txt"), ("test", "Testing_01.txt")):
        splits[split] = []
        for line in lines_of(partitions / file):
            folder = line.rpartition("/")[0]
            if folder not in number:
                raise DataError(f"{partitions / file}: {line} belongs to no class of {names.name}")
            splits[split].append((f"SUN397{line}", number[folder]))
    return Layout(tuple(name[3:].replace("_", " ").replace("/", " ") for name in classes), splits)
