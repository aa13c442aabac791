"""Two more folders: labelled images from elsewhere, and images without labels."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from paddle_transfer.checks.listfile import Entry
from paddle_transfer.datasets import folder
from paddle_transfer.datasets.base import CONTACT_SHEET, Layout, PrepareOptions
from paddle_transfer.datasets.class_names import named, other_form
from paddle_transfer.datasets.skipped import why_unlistable
from paddle_transfer.errors import DataError, counted

#: The label of an image that has none.
NO_LABEL = 0


@dataclass
class Further:
    """
    :param lists: of ``source`` and ``unlabeled`` what there is; paths as a list in the root names
        them
    :param classes: of the source, where they are not those of the root
    :param folders: by list, for texts
    """

    lists: dict[str, list[Entry]] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    folders: dict[str, Path] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def without_copies(self, lists: Mapping[str, list[Entry]], own: Collection[str],
                       digests: Mapping[str, str]) -> dict[str, list[Entry]]:
        """``lists`` without images that are in a list before them by content, which a note tells.

        :param lists: those of ``self.lists`` that can be used
        :param own: the images of the root's lists
        :param digests: of the images' content, by path
        :raises DataError: nothing is left of a list
        """
        taken, left = {digests[path] for path in own if path in digests}, dict[str, list[Entry]]()
        for name, entries in lists.items():
            left[name] = [entry for entry in entries if digests.get(entry[0]) not in taken]
            copies = len(entries) - len(left[name])
            if copies:
                self.notes.append(f"{self.folders[name]}: {counted(copies, 'image')} left out, "
                                  "being in another list by content")
            if not left[name]:
                total = len(self.lists[name])
                raise DataError(
                    f"{self.folders[name]}: no usable image for the {name} list is left of {total}:"
                    f" {copies} are in another list by content, {total - copies} cannot be read")
            taken |= {digests[path] for path, _ in left[name] if path in digests}
        return left


def read_further(root: Path, options: PrepareOptions, classes: Sequence[str]) -> Further:
    """Read the folders that ``options`` name. Beside images without labels the source has the
    classes of the root; alone it has its own.

    :param classes: of the root
    :raises DataError: a folder has no image for its list
    """
    found = Further()
    if options.source is not None:
        layout = folder.read(options.source, options)
        found.notes += [f"{options.source}: {note}" for note in layout.notes]
        entries = [entry for split in layout.splits.values() for entry in split]
        if options.unlabeled is None:
            found.classes = layout.classes
        else:
            entries = _with_labels_of(classes, layout, entries, options.source, found.notes)
        _add(found, "source", root, options.source, entries)
    if options.unlabeled is not None:
        tree = folder.Tree(options.unlabeled)
        paths = [path for path in tree.images(tree.root) if path != CONTACT_SHEET]
        notes = tree.skipped.notes()
        if not paths:
            raise DataError("\n".join([f"{options.unlabeled}: holds no image. --unlabeled names a "
                                       "folder of images, in folders or not", *notes]))
        found.notes += [f"{options.unlabeled}: {note}" for note in notes]
        _add(found, "unlabeled", root, options.unlabeled, [(path, NO_LABEL) for path in paths])
    return found


def check_apart(root: Path, options: PrepareOptions) -> None:
    """No image may be in two lists. Raises DataError for a folder that is not there, or lies in
    another one."""
    given = {"--root": root, "--source": options.source, "--unlabeled": options.unlabeled}
    places = {option: place for option, place in given.items() if place is not None}
    real = {option: Path(os.path.realpath(place)) for option, place in places.items()}
    for option, place in places.items():
        if option != "--root" and not place.is_dir():
            raise DataError(f"{place}: is no folder. {option} names a folder of images")
        for other, outer in places.items():
            if other != option and real[option].is_relative_to(real[other]):
                raise DataError(f"{place} ({option}) is {outer} ({other}), or in it. Images of "
                                "one list may not be in another: move it beside the other folder")


def _with_labels_of(classes: Sequence[str], layout: Layout, entries: Sequence[Entry], source: Path,
                    notes: list[str]) -> list[Entry]:
    """``entries`` by the labels of ``classes``; images of other classes are left out."""
    labels = {name: label for label, name in enumerate(classes)}
    unknown = [name for name in layout.classes if name not in labels]
    absent = [name for name in classes if name not in layout.classes]
    hint = other_form(unknown, list(classes))
    if hint or len(unknown) == len(layout.classes):
        raise DataError(f"{source}: beside --unlabeled its classes must be those of --root, which "
                        f"has no {named(unknown)}{hint}. Rename the folders")
    if unknown:
        notes.append(f"{source}: left out are classes that are not those of --root: "
                     f"{named(unknown)}")
    if absent:
        notes.append(f"{source}: has no image of {named(absent)}")
    return [(path, labels[layout.classes[label]]) for path, label in entries
            if layout.classes[label] in labels]


def _add(found: Further, name: str, root: Path, place: Path, entries: Sequence[Entry]) -> None:
    prefix = _as_listed(root, place)
    fault = why_unlistable(prefix)
    if fault:
        raise DataError(f"{prefix!r} has {fault}, which no list file can hold. Rename the folder")
    found.folders[name] = place
    found.lists[name] = [(f"{prefix}/{path}", label) for path, label in entries]


def _as_listed(root: Path, place: Path) -> str:
    """The folder in a list whose images are below ``root``: where both are given relative to the
    current folder, so that they may be moved together."""
    if root.is_absolute() or place.is_absolute():
        return Path(os.path.abspath(place)).as_posix()
    return Path(os.path.relpath(os.path.realpath(place), os.path.realpath(root))).as_posix()
