"""The names of a list's classes, and lists that number the same names differently."""

from __future__ import annotations

import os
from typing import Any

from paddle_transfer.checks.config_splits import Split, label_list_file
from paddle_transfer.checks.findings import Report
from paddle_transfer.checks.label_list import read_label_list

Names = dict[int, str]

#: Behind the name of a list without its ending.
_ENDING = "_list.txt"


def map_beside(list_file: str) -> str | None:
    """The file with the names of the classes of a list: of ``source_list.txt`` the
    ``source_label_list.txt`` beside it, else the ``label_list.txt`` there; None if there is none.
    """
    folder, name = os.path.split(list_file)
    own = [f"{name.removesuffix(_ENDING)}_label{_ENDING}"] * name.endswith(_ENDING)
    paths = (os.path.join(folder, one) for one in (*own, f"label{_ENDING}"))
    return next((path for path in paths if os.path.isfile(path)), None)


def check_class_maps(splits: list[Split], config: dict[str, Any], report: Report) -> None:
    """Compare the names of all lists with those of the training list, which are
    ``Infer.PostProcess.class_id_map_file`` where none are beside it.

    :param splits: lists with the classes of the network
    """
    train = next((split for split in splits if split.name == "train"), None)
    if train is None:
        return
    first = map_beside(train.file) or label_list_file(config)
    if first is None:
        return
    known, seen = _names(first), {os.path.realpath(first)}
    for split in splits:
        other = map_beside(split.file)
        if other is not None and os.path.realpath(other) not in seen:
            seen.add(os.path.realpath(other))
            _compare(known, first, _names(other), other, split, report)


def _compare(known: Names, first: str, names: Names, other: str, split: Split,
             report: Report) -> None:
    numbers = {name: number for number, name in known.items()}
    moved = [f"{name} is {number} there and {numbers[name]} in {first}"
             for number, name in names.items() if numbers.get(name, number) != number]
    if moved:
        more = f", and {len(moved) - 1} more" if len(moved) > 1 else ""
        report.add("class-map", split.file, 0, f"{other} numbers the classes of this list in "
                   f"another way than those of the train list: {moved[0]}{more}",
                   hint=f"Number them as {first} does, in the list too; or take away the file that "
                   "is not of its list.")
        return
    renamed = [f"{number} is {names[number]} there and {known[number]} in {first}"
               for number in sorted(names.keys() & known.keys()) if names[number] != known[number]]
    if renamed:
        more = f", and {len(renamed) - 1} more" if len(renamed) > 1 else ""
        report.add("class-map", split.file, 0, f"{other} has other names: {renamed[0]}{more}",
                   error=False, hint="Are these the same classes?")


def _names(file: str) -> Names:
    """What can be read: what cannot is told of the file with the names for people."""
    try:
        return {number: name.strip() for number, name in read_label_list(file)[0].items()}
    except OSError:
        return {}
