"""The files that a search's results depend on, by content: kept with the study, and compared when
it goes on.

The study holds a hash of each; copies of the lists, with a hash of every image, lie in
``output_dir/inputs`` and are read only to say what has changed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paddle_transfer.config.load import write_atomic

#: The folder of the copies.
FOLDER = "inputs"
#: A copy of what the study holds of the search as a whole, to rebuild it from.
ATTRIBUTES = "study.json"


@dataclass(frozen=True)
class Input:
    """A file that the config names.

    :param path: as the config has it
    :param root: a list's ``image_root``
    :param token: a hash of what counts of its content
    :param rows: of a list: see ``checks.fingerprints.ListedImages``
    :param trains: whether trials depend on it; a change of the others is only told
    """

    path: str
    root: str
    token: str
    rows: bytes = field(default=b"", repr=False)
    trains: bool = True


#: By the place that names them: a dotted path of the config, or of a value in the search file.
Inputs = Mapping[str, Input]


def to_plain(inputs: Inputs) -> dict[str, list[str]]:
    """What the study keeps, as JSON data."""
    return {place: [one.path, one.root, one.token] for place, one in inputs.items()}


def keep_copies(inputs: Inputs, output_dir: str) -> None:
    """Write the copies of the lists that are not there yet."""
    folder = Path(output_dir) / FOLDER
    for one in inputs.values():
        file = _copy(folder, one.token)
        if one.rows and not file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            write_atomic(file, [one.rows])


def keep_attributes(attributes: Mapping[str, Any], output_dir: str) -> None:
    """Write ``inputs/study.json``, what the study holds of the search as a whole."""
    folder = Path(output_dir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / ATTRIBUTES, json.dumps(attributes, indent=1) + "\n")


def _copy(folder: Path, token: str) -> Path:
    return folder / f"{token[:16]}.tsv"


@dataclass(frozen=True)
class Changes:
    """What differs between the inputs of a study and those of now.

    :param refused: lines for the user: trials of then and now would not compare
    :param told: lines for the user about other changes
    :param renamed: of files that have the same content under another path: path -> one path for
        all of them, those of then among them
    """

    refused: tuple[str, ...]
    told: tuple[str, ...]
    renamed: Mapping[str, str]


def compare(known: Mapping[str, Sequence[str]], inputs: Inputs, output_dir: str) -> Changes:
    """:param known: what ``to_plain`` gave"""
    refused, told, renamed = list[str](), list[str](), dict[str, str]()
    for place, now in inputs.items():
        if place not in known:
            continue
        path, root, token = map(str, known[place])
        then = b"" if token == now.token else _read_copy(Path(output_dir) / FOLDER, token)
        if token != now.token and not (then and then == now.rows):  # another version's hash
            lines = _list_changes(now, then) if now.rows and then else ["its content has changed"]
            lines = [f"{now.path} ({place}): {line}" for line in lines]
            (refused if now.trains else told).extend(lines)
        elif (path, root) != (now.path, now.root):
            for old, new in ((path, now.path), (root, now.root)):
                if old and new:
                    _join(renamed, old, new)
    if renamed:
        told.append("The data have moved; their content is that of before.")
    return Changes(tuple(dict.fromkeys(refused)), tuple(dict.fromkeys(told)), renamed)


def _join(names: dict[str, str], old: str, new: str) -> None:
    """Give ``old``, ``new`` and all that have the name of one of them the same name."""
    replaced, kept = names.setdefault(new, new), names.setdefault(old, old)
    for name, joined in names.items():
        if joined == replaced:
            names[name] = kept


def _read_copy(folder: Path, token: str) -> bytes:
    """The rows of a list as they were; empty when the copy is gone."""
    try:
        return _copy(folder, token).read_bytes()
    except OSError:
        return b""


def _parted(rows: bytes) -> list[tuple[str, str]]:
    """(hash, line) of each row."""
    parts = (row.decode("utf-8", "surrogateescape").partition("\t")
             for row in rows.removesuffix(b"\n").split(b"\n"))
    return [(digest, line) for digest, _, line in parts]


def _list_changes(now: Input, then: bytes) -> list[str]:
    """What differs between two states of one list, in words."""
    old, new = _parted(then), _parted(now.rows)
    old_lines, new_lines = (Counter(line for _, line in rows) for rows in (old, new))
    gone, added = (old_lines - new_lines).total(), (new_lines - old_lines).total()
    changed, total = min(gone, added), len(old)
    texts = []
    for count, text in ((changed, "changed"), (gone - changed, "are gone")):
        if count:
            texts.append(f"{count} of {total} lines {text}")
    if added > changed:
        texts.append(f"{added - changed} lines are new")
    images = {line: digest for digest, line in old}
    others = [line for digest, line in new if images.get(line, digest) != digest]
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        have = "have" if more else "has"
        texts.append(f"the image of {others[0]!r}{more} {have} other content")
    return texts or ["its lines are in another order"]
