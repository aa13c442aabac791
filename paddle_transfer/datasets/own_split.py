"""The split of the user's own images: one that was in a list before stays in it, known by its path
in the lists that are there, or by its content in ``split.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paddle_transfer.checks.listfile import Entry
from paddle_transfer.config.load import write_atomic
from paddle_transfer.datasets.archives import MARKERS
from paddle_transfer.datasets.files import MAX_BYTES
from paddle_transfer.datasets.stable_split import TRAIN, stable_split
from paddle_transfer.files import read_bytes

Splits = dict[str, list[Entry]]
#: File with the list of each image's content, below ``MARKERS``.
SPLIT = "split.json"


def unedited_lists(root: Path) -> list[str]:
    """The list files of an earlier version, which recorded nothing, if they agree with each other:
    trainval is train and val. [] if they do not: somebody edited one."""
    parts = {split: _lines(root / f"{split}_list.txt")
             for split in ("train", "val", "trainval", "test")}
    if sorted(parts["train"] + parts["val"]) != sorted(parts["trainval"]):
        return []
    return [f"{split}_list.txt" for split, lines in parts.items() if lines]


class OwnSplit:
    """
    :param root: the folder with the lists
    :param options: what decides the split beside the images and the shares, the seed among them;
        with others it is drawn anew
    :param shares: of the lists that are taken from train, as ``stable_split`` takes them
    """

    def __init__(self, root: Path, options: Mapping[str, Any], shares: Mapping[str, float]):
        self._seed, self._shares = int(options["seed"]), shares
        self._earlier = _EarlierSplit(root, {**options, "shares": dict(shares)}, shares)

    def split(self, layout: Mapping[str, list[Entry]], digests: Mapping[str, str]
              ) -> tuple[Splits, list[str]]:
        """The lists, and notes for the user.

        :param layout: the lists before, which has train
        :param digests: of the images' content, by path
        """
        splits = {split: sorted(entries) for split, entries in layout.items()}
        train, earlier = splits[TRAIN], self._earlier
        known = [earlier.place(path, digests.get(path, "")) for path, _ in train]
        places = stable_split(
            [label for _, label in train], [digests.get(path) or path for path, _ in train],
            shares=self._shares, seed=self._seed, known=known)
        for split in (TRAIN, *self._shares):
            splits[split] = [entry for entry, place in zip(train, places, strict=True)
                             if place == split]
        if self._shares:
            earlier.record({digests[path]: place for (path, _), place in zip(
                train, places, strict=True) if digests.get(path)})
        new, notes = known.count(None), list[str]()
        if earlier.changed:
            notes.append("the images are split anew: --seed, --val or --test are not those of the "
                         "lists that were there")
        elif 0 < new < len(train):
            notes.append(f"{len(train) - new} images stay in the lists that they were in, "
                         f"{new} {'is' if new == 1 else 'are'} new")
        found = {split: splits[split] for split in (TRAIN, "val", "test") if splits.get(split)}
        return found, notes


class _EarlierSplit:
    """What an earlier call decided, in a folder with lists."""

    def __init__(self, root: Path, options: dict[str, Any], shares: Mapping[str, float]):
        self._file, self._options = root / MARKERS / SPLIT, options
        self._lists = [split for split in (TRAIN, *shares)
                       if (root / f"{split}_list.txt").is_file()]
        recorded = _read(self._file)
        #: Whether the images were split before, with other options.
        self.changed = recorded is not None and recorded["options"] != self._options
        if recorded is None:  # lists of a version that recorded nothing, or the user's own
            asked = {TRAIN, *(split for split, share in shares.items() if share)}
            self.changed = bool(self._lists) and set(self._lists) != asked
        self._by_content: dict[str, str] = {}
        self._by_path: dict[str, str] = {}
        if not self.changed:
            self._by_content = recorded["images"] if recorded else {}
            for split in self._lists:
                for path in _paths(root / f"{split}_list.txt"):
                    self._by_path.setdefault(path, split)

    def place(self, path: str, digest: str) -> str | None:
        """The list that an image was in; None for a new one."""
        return self._by_path.get(path) or self._by_content.get(digest)

    def record(self, images: Mapping[str, str]) -> None:
        """Keep the list of each content. What is gone is kept as well: it may come back.

        :param images: digest -> list
        """
        self._file.parent.mkdir(parents=True, exist_ok=True)
        content = {"options": self._options, "images": {**self._by_content, **images}}
        write_atomic(str(self._file), json.dumps(content, indent=0, sort_keys=True) + "\n")


def _lines(file: Path) -> list[str]:
    """The lines of a list; none if there is no such file."""
    if not file.is_file():
        return []
    text = read_bytes(file, MAX_BYTES).decode(errors="replace")
    return [line for line in text.split("\n") if line]


def _paths(file: Path) -> list[str]:
    return [line.rstrip("\r").rpartition("\t" if "\t" in line else " ")[0]
            for line in _lines(file)]


def _read(file: Path) -> dict[str, Any] | None:
    """The content of ``split.json``; None if there is none, or it is broken."""
    try:
        data = json.loads(read_bytes(file, MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    whole = (isinstance(data, dict) and "options" in data and isinstance(data.get("images"), dict)
             and all(isinstance(place, str) for place in data["images"].values()))
    return data if whole else None
