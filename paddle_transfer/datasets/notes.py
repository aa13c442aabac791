"""Notes for the user about the lists that ``prepare`` writes."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.checks.listfile import Entry
from paddle_transfer.datasets.files import MAX_BYTES
from paddle_transfer.errors import one_line
from paddle_transfer.files import read_bytes

#: What options of ``prepare`` decide in the training config, by what a note calls it.
_OPTIONS = {"Arch.name": "Arch.name", "size": "Global.image_shape.2",
            "Transfer.strategy": "Transfer.strategy"}
_WORDS = {"train": "training", "val": "validation", "test": "test"}


def own_notes(splits: Mapping[str, list[Entry]], classes: Sequence[str],
              shares: Mapping[str, float]) -> list[str]:
    """Notes of classes that a list has no image of.

    :param shares: of the lists that were asked for, which may have become empty
    """
    notes = []
    for split in (split for split in _WORDS if split in splits or shares.get(split)):
        there = {label for _, label in splits.get(split, ())}
        names = [name for label, name in enumerate(classes) if label not in there]
        if names:
            notes.append(f"{len(names)} {'class has' if len(names) == 1 else 'classes have'} no "
                         f"{_WORDS[split]} image: {one_line(', '.join(names), 200)}. Add images")
    return notes


def changed_labels(file: Path, text: str) -> list[str]:
    """A note if classes have other labels than in ``file``, and with that all lists and models."""
    old = ""
    with suppress(OSError):  # none, or something else of that name, which is kept
        old = read_bytes(file, MAX_BYTES).decode(errors="replace")
    before = {name: label for label, _, name in (line.partition(" ") for line in old.splitlines())}
    changed = [f"{name}: {before[name]}, now {label}" for label, _, name in (
        line.partition(" ") for line in text.splitlines()) if before.get(name, label) != label]
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return [f"classes have other labels than before ({one_line(changed[0], 200)}{more}): models "
            "trained before do not fit these lists"] if changed else []


def replaced_config(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """A note if a training config was replaced by one of other options."""
    pairs = {word: [dotpath.find(config, path) for config in (old, new)]
             for word, path in _OPTIONS.items()}
    changed = ", ".join(f"{word} {was} -> {now}"
                        for word, (was, now) in pairs.items() if was != now)
    return [f"{name} is replaced: {changed}"] if changed else []
