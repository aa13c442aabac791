"""Names of classes: those that look the same, or that no file of names can hold."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from paddle_transfer.errors import DataError, one_line


def check_names(classes: Iterable[str], place: str) -> list[str]:
    """Notes of classes whose names differ only in upper and lower case, or are numbers that are not
    the labels.

    Raises DataError for names that look alike (in another Unicode form, with blanks around them),
    or that a file of class names cannot hold.

    :param place: where the names come from, for the error
    """
    alike, lower = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for name in classes:
        plain = _plain(name)
        alike[plain].append(name)
        lower[plain.lower()].append(name)
    same = [", ".join(map(ascii, names)) for names in alike.values() if len(names) > 1]
    if same:
        raise DataError(f"{place}: these classes look the same: {'; '.join(same)}. Make one class "
                        "of them, or rename one")
    broken = [name for name in lower if len(name.splitlines()) > 1]
    if broken:
        raise DataError(f"{place}: a name of a class is one line, but got {named(broken)}")
    cased = [" and ".join(names) for names in lower.values() if len(names) > 1]
    return [*([f"names that differ in upper and lower case only are different classes: "
               f"{named(cased)}"] if cased else []), *_numbers(list(lower))]


def _numbers(names: list[str]) -> list[str]:
    """A note of numbers, which are sorted as texts (10 before 2) and begin with any, so that the
    label of a class is another number than its name."""
    moved = [(name, label) for label, name in enumerate(sorted(names))
             if name.isdecimal() and int(name[:20]) != label]
    if not moved or not all(map(str.isdecimal, names)):
        return []
    more = f" and {len(moved) - 1} more" if len(moved) > 1 else ""
    return [f"classes are numbered in the order of their names as texts: the class named "
            f"{moved[0][0]} has the label {moved[0][1]}{more}, see label_list.txt"]


def named(names: list[str]) -> str:
    """The names in one bounded line."""
    return one_line(", ".join(names), 400)


def other_form(unknown: list[str], classes: list[str]) -> str:
    """A hint if a name is a class's in another form."""
    forms = {_plain(name).lower(): name for name in classes}
    for name in unknown:
        if _plain(name).lower() in forms:
            return f". {name!a} is {forms[_plain(name).lower()]!a} there"
    return ""


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip())
