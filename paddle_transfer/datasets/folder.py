"""The user's own folder: a folder per class, or ``train``, ``val``, ``test`` folders of those."""

import os
from pathlib import Path

from paddle_transfer.checks.images import IMAGE_SUFFIXES
from paddle_transfer.checks.listfile import Entry
from paddle_transfer.datasets.base import (
    CONVERTED,
    CUSTOM_RECIPE,
    Dataset,
    Layout,
    PrepareOptions,
)
from paddle_transfer.errors import DataError

#: Folder names that are splits, not classes.
SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val",
          "test": "test", "testing": "test"}


def read(root: Path, _options: PrepareOptions) -> Layout:
    """Classes by name; folders within a class belong to it. Raises DataError."""
    names = _folders(root)
    split_of = {name: SPLITS.get(name.lower()) for name in names}
    if names and all(split_of.values()) and "train" in split_of.values():
        folders = {split: [root / name for name in names if split_of[name] == split]
                   for split in ("train", "val", "test")}
        classes = sorted({name for folder in folders["train"] for name in _folders(folder)})
        splits = {split: [entry for folder in parts for entry in _entries(root, folder, classes)]
                  for split, parts in folders.items() if parts}
    else:
        classes, splits = names, {"train": _entries(root, root, names)}
    if len(classes) < 2:
        raise DataError(f"{root}: should hold a folder per class, but has {len(classes) or 'none'}"
                        ". For a table of images use --dataset csv")
    trained = {label for _, label in splits["train"]}
    empty = [name for label, name in enumerate(classes) if label not in trained]
    if empty:
        raise DataError(f"{root}: these classes have no image ({', '.join(sorted(IMAGE_SUFFIXES))})"
                        f": {', '.join(empty)}")
    return Layout(tuple(classes), splits)


def _folders(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()
                  if path.is_dir() and not path.name.startswith(".") and path.name != CONVERTED)


def _entries(root: Path, folder: Path, classes: list[str]) -> list[Entry]:
    unknown = sorted(set(_folders(folder)) - set(classes))
    if unknown:
        raise DataError(f"{folder}: classes that have no training images: {', '.join(unknown)}")
    return [(path, label) for label, name in enumerate(classes)
            for path in _images(root, folder / name)]


def _images(root: Path, folder: Path) -> list[str]:
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(place, name).relative_to(root).as_posix() for name in files
                  if not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES]
    return sorted(found)


DATASET = Dataset("folder", "your own images", read, recipe=CUSTOM_RECIPE)
