"""A rule about a whole training config, with the dotted paths that decide about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from paddle_transfer.config.validation import ValidationIssues

Config = dict[str, Any]

#: The paths that say how many classes there are.
CLASSES = ("Arch.class_num", "Arch.num_classes", "Arch.Head", "Arch.models", "Global.class_num")


@dataclass(frozen=True)
class Rule:
    """What must hold for every config that a search trains.

    A search is checked at all combinations of the keys that touch ``reads`` (see
    ``settings.reachable``), so a rule has to name the paths that it looks at, and nothing else.

    :param reads: dotted paths; ``*`` stands for any one part, what is below a path belongs to it.
        Parts of ``Optimizer`` are written as for one optimizer, also when it is a list
    :param check: adds to the issues what is wrong; their ``where`` is the path in the config
    :param alone: each value is right or wrong whatever the others are (a file, a name)
    :param lacking: it asks for files of this machine, which a dry run only warns of
    :param searched: it is for values that a search sets at these paths; the base config may have
        others
    """

    reads: tuple[str, ...]
    check: Callable[[Config, ValidationIssues], None]
    alone: bool = False
    lacking: bool = False
    searched: tuple[str, ...] = ()


def overlap(path: str, other: str) -> bool:
    """Whether one of two dotted paths leads to the other, or into it."""
    return all(a == b or "*" in (a, b)
               for a, b in zip(_parts(path), _parts(other), strict=False))


def touches(edits: Sequence[str], reads: Sequence[str]) -> bool:
    """Whether a change of the paths ``edits`` may change what is read at ``reads``."""
    return any(overlap(edit, read) for edit in edits for read in reads)


def _parts(path: str) -> list[str]:
    """``Optimizer.0.Momentum.lr`` is told as ``Optimizer.lr``."""
    parts = path.split(".")
    if parts[0] == "Optimizer" and len(parts) > 1 and parts[1] in ("*", *map(str, range(100))):
        return [parts[0], *parts[3:]]
    return parts


def whole(value: object, low: int = 1) -> TypeGuard[int]:
    """Whether ``value`` is an integer of at least ``low``."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= low
