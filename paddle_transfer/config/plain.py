"""Plain data: what a config may hold, whichever way it came in.

Texts, whole numbers of 64 bits, other numbers, True, False and nothing, in lists and in mappings
from texts and numbers. All of it can be written as YAML and as JSON, and read back the same.
"""

from __future__ import annotations

import os

from paddle_transfer.errors import ValidationIssue, show

#: Lists and mappings in one another.
DEPTH = 64
#: Numbers of an array or a range at most.
MOST = 100_000

_HINT = "Write text, a number, True, False, null, a list or a mapping."


def to_plain(data: object, depth: int = 0) -> object:
    """``data`` of a program with paths as texts, and NumPy's numbers, arrays and ranges as plain
    ones; anything else stays as it is."""
    if isinstance(data, os.PathLike):
        return os.fspath(data)
    if isinstance(data, range) and len(data) <= MOST:
        return list(data)
    if hasattr(data, "tolist") and getattr(data, "size", 0) <= MOST:
        return data.tolist()
    if depth > DEPTH:
        return data  # it may hold itself; check_plain says so
    if isinstance(data, dict):
        return {key: to_plain(value, depth + 1) for key, value in data.items()}
    return [to_plain(one, depth + 1) for one in data] if isinstance(data, (list, tuple)) else data


def check_plain(data: object, where: str = "", depth: int = 0) -> list[ValidationIssue]:
    """What in ``data`` is not plain.

    :param where: the dotted path of ``data``
    :param depth: lists and mappings around it; a list that holds itself has no end of them
    """
    if isinstance(data, (dict, list, tuple)):
        if depth >= DEPTH:
            return [ValidationIssue(where, f"a config may not hold {DEPTH} levels")]
        if isinstance(data, dict):
            issues = [issue for key in data for issue in _check_key(key, where)]
            items = [(str(key), value) for key, value in data.items()] if not issues else []
        else:
            issues, items = [], [(str(i), value) for i, value in enumerate(data)]
        for name, value in items:
            issues += check_plain(value, f"{where}.{name}" if where else name, depth + 1)
        return issues
    return _check_value(data, where)


def _check_value(value: object, where: str) -> list[ValidationIssue]:
    if value is None or isinstance(value, (bool, float)):
        return []
    if isinstance(value, int):
        fits = value.bit_length() < 64
        return [] if fits else [ValidationIssue(
            where, "a whole number must fit in 64 bits", f"one of {value.bit_length()} bits")]
    if isinstance(value, str):
        lone = next((c for c in value if "\ud800" <= c <= "\udfff"), None)
        return [] if lone is None else [ValidationIssue(
            where, "must be text that UTF-8 can write", show(value))]
    return [ValidationIssue(where, "must be plain data", show(value), _HINT)]


def _check_key(key: object, where: str) -> list[ValidationIssue]:
    if isinstance(key, (str, int, float)):
        return _check_value(key, where)
    return [ValidationIssue(where, "a key must be a text or a number", show(key))]
