"""A folder of one's own: a folder per class, or ``train``, ``val`` and ``test`` folders of those."""

from __future__ import annotations

import os
from pathlib import Path

from paddle_transfer.checks.images import IMAGE_SUFFIXES
from paddle_transfer.checks.listfile import Entry
from paddle_transfer.datasets.base import Layout
from paddle_transfer.errors import DataError

#: names of folders that are splits and not classes
SPLITS = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val",
    "test": "test", "testing": "test"
}
OURS = "converted"  # made by ``prepare``, never a class


def read(root: Path, seed: int) -> Layout:
    """Classes by name; images of folders within a class count, too. Raises DataError."""
    tops = _folders(root)
    named = {name: SPLITS.get(name.lower()) for name in tops}
    if tops and all(named.values()) and "train" in named.values():
        parts = {
            split: [root / name
                    for name in tops
                    if named[name] == split]
            for split in ("train", "val", "test")
        }
        classes = sorted({name for folder in parts["train"] for name in _folders(folder)})
        splits = {split: [entry for folder in folders for entry in _entries(root, folder, classes)]
                  for split, folders in parts.items() if folders}
    else:
        classes = tops
        splits = {"train": _entries(root, root, classes)}
    if len(classes) < 2:
        raise DataError(
            f"{root}: should hold a folder per class, but has {len(classes) or 'none'}. "
            "For a table of images use --dataset csv")
    counts = {label for _, label in splits["train"]}
    empty = [name for label, name in enumerate(classes) if label not in counts]
    if empty:
        raise DataError(
            f"{root}: these classes have no image ({', '.join(sorted(IMAGE_SUFFIXES))}): "
            f"{', '.join(empty)}")
    return Layout(tuple(classes), splits)


def _folders(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise DataError(f"{folder}: is no folder")
    return sorted(path.name for path in folder.iterdir()
                  if path.is_dir() and not path.name.startswith(".") and path.name != OURS)


def _entries(root: Path, folder: Path, classes: list[str]) -> list[Entry]:
    unknown = sorted(set(_folders(folder)) - set(classes))
    if unknown:
        raise DataError(f"{folder}: classes that have no training images: {', '.join(unknown)}")
    return [(path, label)
            for label, name in enumerate(classes)
            for path in _images(root, folder / name)]


def _images(root: Path, folder: Path) -> list[str]:
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(place, name).relative_to(root).as_posix()
            for name in files
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES
        ]
    return sorted(found)


def check_name(path: str) -> str | None:
    """What no list file can hold; None for a good name."""
    return "a line break" if "\n" in path or "\r" in path else "a tab" if "\t" in path else None
