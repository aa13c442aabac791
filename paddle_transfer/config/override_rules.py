"""What is wrong with an override: it misses its key, undoes another one, or drops other keys."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.errors import ValidationIssue, one_line

#: The last parts of some keys, as other tools call them.
_ALSO = {"lr": "learning_rate", "epoch": "epochs", "num_epochs": "epochs", "bs": "batch_size",
         "num_classes": "class_num", "pretrained": "pretrained_model"}


def contradiction(option: str, before: Sequence[str]) -> list[ValidationIssue]:
    """The issue of an override that undoes an earlier one: of the same key, or of a part of it."""
    path = option.partition("=")[0].strip()
    for earlier in before:
        if f"{earlier.partition('=')[0].strip()}.".startswith(f"{path}."):
            return [ValidationIssue(f"-o {option}", "an override must not undo another one",
                                    f"-o {earlier} before it", "Leave one of them out.")]
    return []


def similar_path(data: dict[str, Any], path: str) -> str:
    """An existing path that ``path`` almost is (Global.epoch: Global.epochs); empty if ``path``
    exists or none is close."""
    try:
        if "." in path:
            dotpath.get(data, path)
    except dotpath.PathError as error:
        reached = error.reached.split(".") if error.reached else []
        wrong, *others = path.split(".")[len(reached):]
        names = [key for key in error.known if not key.isdecimal()]
        for close in difflib.get_close_matches(wrong, names, 1, 0.85):
            return ".".join([*reached, close, *others])
    return ""


def elsewhere(config: dict[str, Any], key: str) -> str:
    """A hint with the places of a training config that end in ``key`` (epochs: Global.epochs);
    empty if there is none."""
    end, found = f".{_ALSO.get(key, key)}", list[str]()
    ahead: list[tuple[str, object]] = [("", config)]
    while ahead and len(found) < 4:
        path, place = ahead.pop(0)
        items = (place.items() if isinstance(place, dict) else
                 enumerate(place) if isinstance(place, list) else ())
        for name, value in items:
            below = f"{path}.{name}" if path else str(name)
            if f".{below}".endswith(end) and "." in below:
                found.append(below)
            ahead.append((below, value))
    if len(found) == 1:
        return f"Did you mean '{found[0]}', of the training config?"
    return f"The training config has {', '.join(found[:3])}." if found else ""


def dropped(data: dict[str, Any], path: str, value: object) -> str:
    """Why ``value`` may not take the place of the mapping at ``path``: it would drop, without a
    word, keys that nobody named; empty where it may. A part with a name of its own, and an empty
    mapping, are meant to replace all.
    """
    before = dotpath.find(data, path)
    if not (isinstance(before, dict) and isinstance(value, dict) and value) or "name" in value:
        return ""
    return one_line(", ".join(f"{path}.{key}" for key in before if key not in value), 200)
