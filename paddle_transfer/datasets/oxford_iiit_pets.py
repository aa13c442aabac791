"""Oxford-IIIT Pets: ``annotations/{trainval,test}.txt`` with lines ``id class(1-37) species breed``."""

from __future__ import annotations

from pathlib import Path

from paddle_transfer.datasets.base import Layout, label, lines_of
from paddle_transfer.datasets.catalogue import DATASETS
from paddle_transfer.errors import DataError

CLASSES = DATASETS["oxford_iiit_pets"].classes


def read(root: Path, seed: int) -> Layout:
    names: dict[int, str] = {}
    splits = {split: _split(root / "annotations" / file, names)
              for split, file in (("train", "trainval.txt"), ("test", "test.txt"))}
    return Layout(tuple(names.get(i, f"class {i}") for i in range(CLASSES)), splits)


def _split(path: Path, names: dict[int, str]) -> list[tuple[str, int]]:
    entries = []
    for line in lines_of(path):
        if line.startswith("#"):
            continue
        parts = line.split()
        if len(parts) < 2:
            raise DataError(
                f"{path}: a line should read 'id class species breed', but got {line!r}")
        number = label(parts[1], classes=CLASSES, where=path)
        names[number] = parts[0].rpartition("_")[0].replace("_", " ")
        entries.append((f"images/{parts[0]}.jpg", number))
    return entries
