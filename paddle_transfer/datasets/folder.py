"""The user's own folder: a folder per class, or ``train``, ``val``, ``test`` folders of those."""

import os
import shlex
from pathlib import Path

from paddle_transfer.checks.images import IMAGE_SUFFIXES
from paddle_transfer.checks.listfile import Entry
from paddle_transfer.datasets.base import (
    CONTACT_SHEET,
    CONVERTED,
    CUSTOM_RECIPE,
    Dataset,
    Layout,
    PrepareOptions,
)
from paddle_transfer.datasets.class_names import check_names, named, other_form
from paddle_transfer.datasets.skipped import (
    HIDDEN,
    LINKS,
    LITTER,
    NO_CLASS,
    UNREADABLE,
    Skipped,
    is_image,
    is_litter,
    why_skipped,
)
from paddle_transfer.errors import DataError

#: Folder names that are splits, not classes.
SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val",
          "test": "test", "testing": "test"}


def read(root: Path, _options: PrepareOptions) -> Layout:
    """Classes by name; folders within a class belong to it. Raises DataError."""
    tree = Tree(root)
    names = tree.folders(root)
    by_split = _split_folders(tree, names)
    if by_split:
        classes = sorted({name for folder in by_split["train"] for name in tree.folders(folder)})
        splits = {split: [entry for folder in parts for entry in tree.entries(folder, classes)]
                  for split, parts in by_split.items() if parts}
    else:
        classes, splits = names, {"train": tree.entries(root, names)}
    notes = tree.skipped.notes()
    if len(classes) < 2:
        raise DataError("\n".join([
            f"{root}: should hold a folder per class, but has {len(classes) or 'none'}"
            f"{_inner(tree, names)}. For a table of images use --dataset csv", *notes]))
    trained = {label for _, label in splits["train"]}
    empty = [name for label, name in enumerate(classes) if label not in trained]
    if empty:
        raise DataError("\n".join([
            f"{root}: these classes have no image ({', '.join(sorted(IMAGE_SUFFIXES))}): "
            f"{named(empty)}. Put images into their folders, or move the folders elsewhere",
            *notes]))
    return Layout(tuple(classes), splits, notes=(*notes, *check_names(classes, str(root))))


def _inner(tree: "Tree", names: list[str]) -> str:
    """What to do if the only folder of the root, or its only one, holds the classes."""
    first, folder = names, tree.root
    while len(names) == 1 and not (folder := folder / names[0]).is_symlink():
        names = tree.folders(folder)
    classes = [name for name in names if tree.images(folder / name)]
    return (f", {first[0]}. If the classes are {named(classes)}, name the folder that holds them: "
            f"--root {shlex.quote(str(folder))}") if first and len(classes) > 1 else ""


def _split_folders(tree: "Tree", names: list[str]) -> dict[str, list[Path]]:
    """The folders of each split; {} if ``names`` are classes.

    Raises DataError if some are splits, and others hold images and are not.
    """
    split_of = {name: SPLITS[name.lower()] for name in names if name.lower() in SPLITS}
    splits = set(split_of.values())
    others = [name for name in names if name not in split_of]
    if "train" not in splits or (others and len(splits) < 2):
        return {}
    filled = [name for name in others if tree.images(tree.root / name)]
    if filled:
        raise DataError(f"{tree.root}: {named(sorted(split_of))} are lists of images, and so their"
                        f" folders are the classes; but what is {named(filled)}? Move it out of "
                        "the folder; or, if all of them are classes, rename train")
    for name in others:
        tree.skipped.add(name, NO_CLASS)
    return {split: [tree.root / name for name in names if split_of.get(name) == split]
            for split in ("train", "val", "test")}


class Tree:
    """The folders below ``root``; what is met and left out is in ``skipped``."""

    def __init__(self, root: Path):
        self.root, self.skipped = root, Skipped()
        self._seen: set[tuple[str, str]] = set()

    def entries(self, folder: Path, classes: list[str]) -> list[Entry]:
        """The images of all classes; ``folder`` holds a folder for each, or for some."""
        names = self.folders(folder)
        unknown = sorted(set(names) - set(classes))
        if unknown:
            raise DataError(f"{folder}: classes that have no training images: {named(unknown)}"
                            f"{other_form(unknown, classes)}")
        return [(path, label) for label, name in enumerate(classes) if name in names
                for path in self.images(folder / name)]

    def folders(self, folder: Path) -> list[str]:
        """The names of the folders that can be classes."""
        found = []
        for path in sorted(folder.iterdir()):
            if is_litter(path.name):
                self._skip(path, LITTER)
            elif path.name.startswith("."):
                if path.name != ".prepared":
                    self._skip(path, HIDDEN, only=path.is_dir() or is_image(path.name))
            elif folder == self.root and path.name == CONVERTED and path.is_dir():
                _check_converted(path)
            elif path.is_dir():
                if path.is_symlink() and Path(os.path.realpath(folder)).is_relative_to(
                        os.path.realpath(path)):
                    self._skip(path, "links to a folder above them")
                else:
                    found.append(path.name)
            elif path.is_symlink() and not path.exists():
                self._skip(path, "links to nothing")
            elif path.name != CONTACT_SHEET:
                self._skip(path, NO_CLASS, only=is_image(path.name, convertible=True))
        real = {os.path.realpath(folder / name): name for name in found}
        twice = [name for name in found if real[os.path.realpath(folder / name)] != name]
        if twice:
            raise DataError(f"{folder}: these are other names of the same folders: "
                            f"{named(twice)}. Delete the links")
        return found

    def images(self, folder: Path) -> list[str]:
        """The images in a class's folder and the folders in it, below the root, sorted."""
        found = []
        for place, folders, files in os.walk(folder, onerror=self._unreadable):
            for name in sorted(folders):
                reason = (LITTER if is_litter(name) else HIDDEN if name.startswith(".")
                          else LINKS if os.path.islink(os.path.join(place, name)) else "")
                if reason:
                    folders.remove(name)
                    self._skip(Path(place, name), reason)
            for name in files:
                path = Path(place, name)
                listed = path.relative_to(self.root).as_posix()
                reason = why_skipped(str(path), listed=listed)
                if reason:
                    self._skip(path, reason)
                else:
                    found.append(listed)
        return sorted(found)

    def _skip(self, path: Path, reason: str, *, only: bool = True) -> None:
        name = path.relative_to(self.root).as_posix()
        if only and (reason, name) not in self._seen:
            self._seen.add((reason, name))
            self.skipped.add(name, reason)

    def _unreadable(self, error: OSError) -> None:
        self._skip(Path(error.filename), UNREADABLE)


def _check_converted(folder: Path) -> None:
    """Raise DataError if ``converted`` is a class of the user's: ours holds folders of PNG files
    only, a folder for each class."""
    if any(path.is_file() and is_image(path.name) for path in folder.iterdir()):
        raise DataError(f"{folder}: this is where images are converted to, so no class can have "
                        "the name. Rename the folder")


DATASET = Dataset("folder", "your own images", read, recipe=CUSTOM_RECIPE)
