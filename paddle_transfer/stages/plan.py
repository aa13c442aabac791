"""The plan of a greedy search, and what its points do to a config.

Keys have the meaning that PaddleClas's ``tools/search_strategy.py`` gives them, with two
corrections: paths are compared part by part, and values keep the types that YAML gives them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.space.hyperparameter import Choice, Value, value_key
from paddle_transfer.space.search_key import SearchKey, apply_point
from paddle_transfer.space.space import Point, Space

#: The value of a key that is left as the base config has it, where that is none of its values.
BASE = "(base config)"

#: Columns of result files in a search that distils, which no search_key may be named.
COLUMNS = ("teacher", "stage")

#: Where a distillation config has its teacher; PaddleClas's search_strategy.py needs it there too.
TEACHER_PATH = "Arch.models.0.Teacher"


@dataclass(frozen=True)
class Distillation:
    """What follows after the last key.

    :param config: of the final run, overrides put in
    :param algorithm: ``skl-ugi``: the best of ``teachers`` is trained first, with the values found,
        and the student learns from it; ``udml``: both are trained together, and lr_mult_list goes
        to the teacher as well
    :param rm_keys: dotted paths that are not set when a teacher is trained
    :param final_replace: dotted path of the base config -> where it is in ``config``
    """

    config_file: str
    config: dict[str, Any]
    algorithm: str = "skl-ugi"
    teachers: tuple[str, ...] = ()
    rm_keys: tuple[str, ...] = ()
    final_replace: dict[str, str] = field(default_factory=dict)

    def identity(self) -> dict[str, Any]:
        """What makes two distillations the same, beside ``config``, as plain data."""
        return {"algorithm": self.algorithm, "teachers": list(self.teachers),
                "rm_keys": list(self.rm_keys), "final_replace": dict(self.final_replace)}


@dataclass(frozen=True)
class Plan:
    """The steps of a greedy search: each of ``keys`` in turn, each of its values once.

    :param start: the base config as a point: of every key the value that says so, or ``BASE``
    :param teachers: trained when all keys have been searched; each once, as PaddleClas does
    :param final: whether a distillation ends the search; it is trained once
    """

    keys: tuple[Choice, ...]
    start: Point
    teachers: tuple[str, ...] = ()
    final: bool = False

    @property
    def first(self) -> Point:
        """The point that is the base config."""
        return {key.name: self.start[key.name] for key in self.keys}

    def space(self) -> Space:
        """A space that holds every point that may be trained."""
        return Space(tuple(
            key if key.contains(self.start[key.name]) else Choice(key.name, (*key.values, BASE))
            for key in self.keys))

    def candidates(self, point: Point, key: Choice) -> list[Point]:
        """``point`` with each value of ``key``, in PaddleClas's order."""
        return [{**point, key.name: value} for value in key.values]

    def known(self, key: Choice, value: Value) -> bool:
        """Whether the trainings of the key before had ``value`` already: it is not repeated."""
        return key is not self.keys[0] and value_key(value) == value_key(self.start[key.name])

    @property
    def suggestions(self) -> int:
        """How many points are trained, unless all values of a key fail."""
        return self.most - sum(self.known(key, value) for key in self.keys for value in key.values)

    @property
    def most(self) -> int:
        """How many points are trained at most."""
        return sum(key.size for key in self.keys) + len(self.teachers) + self.final

    def trainings(self, search_times: int) -> int:
        """How many trainings there are, unless all values of a key fail."""
        once = len(self.teachers) + self.final
        return (self.suggestions - once) * search_times + once


def make_plan(base: dict[str, Any], keys: Sequence[SearchKey],
              distillation: Distillation | None) -> Plan:
    """The plan that begins with the config ``base``; ``keys`` have finite hyperparameters."""
    choices, start = [], {}
    untouched = apply_point(base, [], {})
    for key in keys:
        h = key.hyperparameter
        values = h.values if isinstance(h, Choice) else tuple(map(h.at, range(h.size or 0)))
        choices.append(h if isinstance(h, Choice) else Choice(key.name, values))
        own = (value for value in values
               if dotpath.same(applied(base, [key], {key.name: value}), untouched))
        start[key.name] = next(own, BASE)
    teachers = distillation.teachers if distillation else ()
    return Plan(tuple(choices), start, teachers, distillation is not None)


def applied(config: dict[str, Any], keys: Sequence[SearchKey], point: Point) -> dict[str, Any]:
    """``apply_point`` for those ``keys`` that ``point`` does not leave as they are. As with
    PaddleClas's ``-o``, the last part of a path may be new."""
    keys = [key for key in keys if point[key.name] != BASE]
    config = dotpath.clone(config)
    for key in keys:
        for path in key.replace_config:
            if addable(config, path):
                dotpath.set_(config, path, dotpath.clone(point[key.name]), create=True)
    return apply_point(config, keys, point)


def addable(config: dict[str, Any], path: str) -> bool:
    """Whether ``path`` is not there and only its last part, a key of a mapping, is missing."""
    parent, _, last = path.rpartition(".")
    if dotpath.exists(config, path) or not last or not parent or not dotpath.exists(config, parent):
        return False
    return isinstance(dotpath.get(config, parent), dict)


def under(path: str, prefix: str) -> bool:
    """Whether ``path`` is ``prefix`` or a part of what stands there."""
    return path == prefix or path.startswith(f"{prefix}.")


def teacher_config(base: dict[str, Any], keys: Sequence[SearchKey], distillation: Distillation,
                   point: Point, teacher: str) -> dict[str, Any]:
    """The base config with the values found, less ``rm_keys``, and the teacher's architecture."""
    kept = [left for key in keys if (left := without(key, distillation.rm_keys)) is not None]
    name = SearchKey(Choice("teacher", (teacher,)), ("Arch.name",))
    return applied(base, [*kept, name], {**point, name.name: teacher})


def without(key: SearchKey, removed: Sequence[str]) -> SearchKey | None:
    """``key`` less its paths that are ``removed``; None when none is left."""
    left = tuple(path for path in key.replace_config
                 if not any(under(path, prefix) for prefix in removed))
    return None if key.replace_config and not left else replace(key, replace_config=left)


def final_config(keys: Sequence[SearchKey], distillation: Distillation, point: Point, *,
                 teacher: str | None = None, weights: str = "") -> dict[str, Any]:
    """The distillation config with the values found, each where ``final_replace`` says.

    :param weights: the trained teacher's, without ``.pdparams``
    """
    config = applied(distillation.config, [renamed_key(key, distillation) for key in keys], point)
    if teacher is not None:
        dotpath.set_(config, f"{TEACHER_PATH}.name", teacher)
        dotpath.set_(config, f"{TEACHER_PATH}.pretrained", weights, create=True)
    return config


def renamed_key(key: SearchKey, distillation: Distillation) -> SearchKey:
    """``key`` with the paths that it has in the distillation config."""
    places = [renamed(path, distillation.final_replace) for path in key.replace_config]
    if distillation.algorithm == "udml" and key.name == "lr_mult_list" and places:
        places.append(f"{TEACHER_PATH}.lr_mult_list")
    return replace(key, replace_config=tuple(dict.fromkeys(places)))


def renamed(path: str, final_replace: dict[str, str]) -> str:
    """``path`` of the base config as it is in the distillation config."""
    for old, new in final_replace.items():
        if under(path, old):
            return new + path[len(old):]
    return path
