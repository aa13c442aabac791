"""Read and edit plain data by dotted path, as PaddleClas's ``-o`` options write them.

``DataLoader.Train.dataset.transform_ops.1.RandCropImage.size`` leads through mappings by key and
through lists by index (from 0, not negative). Nothing is evaluated, and only the named value is
touched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

#: Stands in ``diff`` for a value that one side does not have.
ABSENT = "(absent)"
_ATOMS = frozenset((str, int, float, bool, type(None)))


class PathError(LookupError):
    """A dotted path does not exist.

    :param path: the whole path
    :param reached: its longest prefix that exists; empty if not even the first key does
    :param known: the keys or indices that could follow ``reached``
    """

    def __init__(self, path: str, *, reached: str, known: list[str]):
        self.path, self.reached, self.known = path, reached, known
        super().__init__(f"{path}: nothing there" + (f" after '{reached}'" if reached else ""))


def _split(path: str) -> list[str]:
    """The parts of a dotted path. Raises ValueError for an empty path or part (``a..b``)."""
    parts = path.split(".")
    if not all(parts):
        raise ValueError(f"a dotted path has no empty parts, but got {path!r}")
    return parts


def _descend(data: object, parts: list[str], depth: int) -> Any:
    """The value that the first ``depth`` parts lead to. Raises PathError."""
    place: Any = data
    for i in range(depth):
        place = place[_locate(place, parts, i)]
    return place


def get(data: object, path: str) -> Any:
    """The value at ``path``. Raises PathError."""
    parts = _split(path)
    return _descend(data, parts, len(parts))


def find(data: object, path: str) -> Any:
    """The value at ``path``, or None."""
    try:
        return get(data, path)
    except PathError:
        return None


def exists(data: object, path: str) -> bool:
    """Whether ``path`` leads to a value."""
    try:
        get(data, path)
    except PathError:
        return False
    return True


def set_(data: object, path: str, value: object, *, create: bool = False) -> None:
    """Put ``value`` at ``path``, in place. Raises PathError.

    :param create: add missing keys of mappings on the way (as mappings); a list never grows
    """
    *parents, last = parts = _split(path)
    place: Any = data
    for i, part in enumerate(parents):
        if create and isinstance(place, dict) and _key(place, part) is None:
            place[part] = {}
        place = place[_locate(place, parts, i)]
    missing = create and isinstance(place, dict) and _key(place, last) is None
    place[last if missing else _locate(place, parts, len(parents))] = value


def delete(data: object, path: str) -> Any:
    """Remove the value at ``path``, in place, and return it. Raises PathError."""
    parts = _split(path)
    place = _descend(data, parts, len(parts) - 1)
    last = _locate(place, parts, len(parts) - 1)
    return place.pop(last)


def clone(data: object) -> Any:
    """A deep copy as plain dicts and lists, without objects in two places (YAML anchors)."""
    if isinstance(data, dict):
        return {key: value if type(value) in _ATOMS else clone(value)
                for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [value if type(value) in _ATOMS else clone(value) for value in data]
    return data


def walk(data: object, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(path, value) of every leaf, in order; an empty mapping or list is a leaf."""
    items = _items(data)
    if not items and prefix:
        yield prefix, data
    for key, value in items:
        yield from walk(value, f"{prefix}.{key}" if prefix else str(key))


def replaced(data: Any, texts: Mapping[str, str]) -> Any:
    """A copy of plain ``data`` with every text that ``texts`` has replaced."""
    if isinstance(data, dict):
        return {key: replaced(value, texts) for key, value in data.items()}
    if isinstance(data, list):
        return [replaced(value, texts) for value in data]
    return texts.get(data, data) if isinstance(data, str) else data


def same(a: object, b: object) -> bool:
    """Equality of settings: 1 and 1.0 are equal, NaN and NaN, 1 and True are not, in lists and
    mappings too."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return isinstance(a, bool) == isinstance(b, bool) and bool(
        a == b or (a != a and b != b))  # NaN, which is read back from disk as another one


def with_text_keys(data: object) -> Any:
    """A deep copy whose mappings have texts for keys, as JSON has them: 1 becomes ``"1"``."""
    if isinstance(data, dict):
        return {key if isinstance(key, str) else json.dumps(key): with_text_keys(value)
                for key, value in data.items()}
    return list(map(with_text_keys, data)) if isinstance(data, (list, tuple)) else data


def stable_text(data: object) -> str:
    """JSON that is equal for data that is equal but for the order of its keys."""
    return json.dumps(with_text_keys(data), sort_keys=True, default=str)


def diff(old: object, new: object, prefix: str = "") -> list[str]:
    """Every difference as ``path: old -> new``, in the order of ``old``; see ``ABSENT``."""
    if same(old, new):
        return []
    if _is_list_of_trees(old) and _is_list_of_trees(new):
        old, new = dict(enumerate(old)), dict(enumerate(new))
    if not isinstance(old, dict) or not isinstance(new, dict):
        return [f"{prefix or '(all)'}: {_text(old)} -> {_text(new)}"]
    return [line for key in dict.fromkeys([*old, *new])
            for line in diff(old.get(key, ABSENT), new.get(key, ABSENT),
                             f"{prefix}.{key}" if prefix else str(key))]


def _text(value: object) -> str:
    return ABSENT if isinstance(value, str) and value == ABSENT else repr(value)


def _is_list_of_trees(value: object) -> TypeGuard[list[Any]]:
    """Whether ``value`` is a list of mappings or lists, which is compared item by item."""
    return isinstance(value, list) and all(isinstance(item, (dict, list)) for item in value)


def _items(data: object) -> list[tuple[Any, Any]]:
    if isinstance(data, dict):
        return list(data.items())
    return list(enumerate(data)) if isinstance(data, list) else []


def _key(data: Mapping[Any, Any], part: str) -> Any:
    """The key of ``data`` that is written ``part``, or None; YAML keys may be numbers."""
    if part in data:
        return part
    return next((key for key in data if not isinstance(key, str) and str(key) == part), None)


def _locate(data: object, parts: list[str], i: int) -> Any:
    """The key or index of ``data`` that ``parts[i]`` names. Raises PathError."""
    if isinstance(data, dict):
        key = _key(data, parts[i])
        if key is not None:
            return key
    elif isinstance(data, list) and parts[i].isdecimal() and int(parts[i]) < len(data):
        return int(parts[i])
    raise PathError(".".join(parts), reached=".".join(parts[:i]),
                    known=[str(key) for key, _ in _items(data)])
