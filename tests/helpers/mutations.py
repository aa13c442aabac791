"""Files as nobody should write them, from valid ones: by a seed, so that each can be made again."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

#: What stands where something else belongs.
ODD: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 3, 2**62, 1e308, 5e-324, float("nan"), float("inf"), -0.5, "", " ",
    "a", "a.b", "a..b", "..", "/", "\0", "x" * 300, "\x1b[31m", "\u202e", ",", "trial", "images",
    "none", "auto", "0,1", "1e-3", "top1", [], {}, [[]], [None], [[1, 2], [3]], {"a": 1}, {1: 2},
    {"name": "x"}, {"name": None}, {"name": ["a"]}, [1, "a", None], [-1, "a", None], [1, 2],
    [float("nan")] * 2, [1, 1], ["a", "a"], [{"a": None}], [{}], {"": 1}, {"a.b": 1}, "TPESampler",
    "os:system", "math:pi", [True], "~", [0.1, 0.01], "grid", "bayes", "greedy", "Optimizer..lr",
    "/dev/zero", "1" * 5000, ["é", "图"], {True: 1, "a": 2})

#: Bytes that are put into a text.
_BYTES = (b"\0", b"\xff", b"\xef\xbb\xbf", b"\r", b"\t", b"\n\n", b"[", b"{", b"&a *a", b"!!int x",
          b"!!python/name:os.system ", b"'", b": ", b"- ", b"9" * 5000, b"\x1b[31m", b",", b"\xc3")


def _places(data: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if above:
        yield above
    items = data.items() if isinstance(data, dict) else (
        enumerate(data) if isinstance(data, list) else ())
    for key, value in items:
        yield from _places(value, (*above, key))


def mutated(data: Any, rng: random.Random) -> Any:
    """A copy of a tree with one to three nodes taken out, replaced, wrapped, doubled or added."""
    data = copy.deepcopy(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = list(_places(data))
        if not places:
            break
        place = rng.choice(places)
        *above, last = place[:rng.randint(1, len(place))] if rng.random() < 0.4 else place
        parent = data
        for key in above:
            parent = parent[key]
        _change(parent, last, rng)
    return data


def _change(parent: Any, key: Any, rng: random.Random) -> None:
    odd, value = copy.deepcopy(rng.choice(ODD)), parent[key]
    how = rng.choice(("out", "odd", "odd", "odd", "into", "wrap", "twice"))
    if how == "out":
        del parent[key]
    elif how == "wrap":
        parent[key] = rng.choice(([value], {"a": value}, {"name": value}))
    elif how == "into" and isinstance(value, dict):
        value[rng.choice(("name", "a", "x.y", 3, True, "\x1b", "lr"))] = odd
    elif how == "into" and isinstance(value, list):
        value.insert(0, odd)
    elif how == "twice" and isinstance(parent, list):
        parent.append(copy.deepcopy(value))
    else:
        parent[key] = odd


def cut(text: bytes, rng: random.Random) -> bytes:
    """``text`` with its end cut off, some bytes taken out, or others put in."""
    start, end = sorted(rng.randint(0, len(text)) for _ in range(2))
    how = rng.choice(("end", "out", "in", "in", "twice"))
    if how == "end":
        return text[:start]
    if how == "twice":
        return text[:end] + text[start:]
    return text[:start] + (text[min(end, start + 20):] if how == "out" else
                           rng.choice(_BYTES) + text[start:])
