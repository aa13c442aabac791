"""Reading and editing plain data by dotted path, as PaddleClas's ``-o`` options write them.

``DataLoader.Train.dataset.transform_ops.1.RandCropImage.size`` goes through mappings by key and through lists by
index (from 0; no negative ones). Nothing is evaluated, and nothing but what is named is touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: Stands in ``diff`` for what one side does not have.
ABSENT = "(absent)"


class PathError(LookupError):
    """A dotted path that leads nowhere.

    :param path: the whole path
    :param reached: its longest part that exists ("" when not even the first key does)
    :param known: what could stand next: keys, or indices, as texts
    """

    def __init__(self, path: str, *, reached: str, known: list[str]):
        self.path, self.reached, self.known = path, reached, known
        super().__init__(
            f"{path}: nothing there after '{reached}'" if reached else f"{path}: nothing there")


def split(path: str) -> list[str]:
    """The parts of a dotted path. Raises ValueError for an empty path or an empty part (``a..b``)."""
    parts = path.split(".")
    if not all(parts):
        raise ValueError(f"a dotted path has no empty parts, but got {path!r}")
    return parts


def get(data: Any, path: str) -> Any:
    """What stands at ``path``. Raises PathError."""
    parts = split(path)
    for i, _part in enumerate(parts):
        data = data[_locate(data, parts, i)]
    return data


def exists(data: Any, path: str) -> bool:
    try:
        get(data, path)
    except PathError:
        return False
    return True


def set_(data: Any, path: str, value: Any, *, create: bool = False) -> None:
    """Put ``value`` at ``path``, in place.

    With ``create``, missing keys of mappings are made on the way (as mappings); a list never grows.
    Raises PathError when the path, without ``create``, does not exist already.
    """
    parts = split(path)
    for i, part in enumerate(parts[:-1]):
        if create and isinstance(data, dict) and _key(data, part) is None:
            data[part] = {}
        data = data[_locate(data, parts, i)]
    if create and isinstance(data, dict) and _key(data, parts[-1]) is None:
        data[parts[-1]] = value
    else:
        data[_locate(data, parts, len(parts) - 1)] = value


def delete(data: Any, path: str) -> Any:
    """Take out what stands at ``path``, in place, and return it. Raises PathError."""
    parts = split(path)
    for i in range(len(parts) - 1):
        data = data[_locate(data, parts, i)]
    last = _locate(data, parts, len(parts) - 1)
    return data.pop(last)


def clone(data: Any) -> Any:
    """A deep copy in which no two places share an object (YAML anchors do), made of plain dicts and lists."""
    if isinstance(data, dict):
        return {key: clone(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [clone(value) for value in data]
    return data


def walk(data: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(path, value) of every leaf, in order; an empty mapping or list is a leaf."""
    items = _items(data)
    if not items:
        if prefix:
            yield prefix, data
        return
    for key, value in items:
        yield from walk(value, f"{prefix}.{key}" if prefix else str(key))


def same(a: Any, b: Any) -> bool:
    """Equal as settings: 1 and 1.0 are, 1 and True are not, lists and mappings by their parts."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return isinstance(a, bool) == isinstance(b, bool) and a == b


def diff(old: Any, new: Any, prefix: str = "") -> list[str]:
    """Every difference as ``path: old -> new``, in the order of ``old``; what one side lacks is ``(absent)``."""
    if same(old, new):
        return []
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [*old, *(key for key in new if key not in old)]
    elif _nested(old) and _nested(new):
        old, new = dict(enumerate(old)), dict(enumerate(new))
        keys = list(range(max(len(old), len(new))))
    else:
        return [f"{prefix or '(all)'}: {_text(old)} -> {_text(new)}"]
    return [line for key in keys for line in diff(old.get(key, ABSENT), new.get(key, ABSENT),
                                                  f"{prefix}.{key}" if prefix else str(key))]


def _text(value: Any) -> str:
    return value if isinstance(value, str) and value == ABSENT else repr(value)


def _nested(value: Any) -> bool:
    """A list that is worth comparing item by item: one of mappings or lists."""
    return isinstance(value, list) and all(isinstance(item, (dict, list)) for item in value)


def _items(data: Any) -> list[tuple[Any, Any]]:
    if isinstance(data, dict):
        return list(data.items())
    return list(enumerate(data)) if isinstance(data, list) else []


def _key(data: dict, part: str) -> Any:
    """The key of ``data`` that is written ``part``; None when there is none. YAML keys may be numbers."""
    if part in data:
        return part
    return next((key for key in data if not isinstance(key, str) and str(key) == part), None)


def _locate(data: Any, parts: list[str], i: int) -> Any:
    if isinstance(data, dict):
        key = _key(data, parts[i])
        if key is not None:
            return key
    elif isinstance(data, list) and parts[i].isdecimal() and int(parts[i]) < len(data):
        return int(parts[i])
    raise PathError(".".join(parts), reached=".".join(parts[:i]),
                    known=[str(key) for key, _ in _items(data)])
