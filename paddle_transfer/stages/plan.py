"""The words of PaddleClas's own search.yaml: one key at a time, then a teacher, then a student distilled from it.

What they mean is what ``tools/search_strategy.py`` of PaddleClas does, without its accidents: paths are compared part
by part, values stay what YAML made of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.space.catalog import SearchKey, apply_point
from paddle_transfer.space.hyperparameter import Choice, value_key
from paddle_transfer.space.space import Point, Space

#: Stands in a point for a key that is left as the base config has it (and that is none of the searched values).
BASE = "(base config)"

#: Further names in the points of a search that distils: which stage a training belongs to, and which teacher.
STAGE, TEACHER = "stage", "teacher"
STAGES = ("search", "teacher", "final")
NO_TEACHER = "-"

ALGORITHMS = ("skl-ugi", "udml")

#: Where a distillation config of PaddleClas has its teacher; tools/search_strategy.py relies on the same.
TEACHER_PATH = "Arch.models.0.Teacher"


@dataclass(frozen=True)
class Distillation:
    """What follows after the last key.

    :param config: of the final run, overrides put in
    :param algorithm: ``skl-ugi``: the best of ``teachers`` is trained first, with the values found, and the student
        learns from it; ``udml``: both are trained together, and lr_mult_list goes to the teacher as well
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
        return {
            "algorithm": self.algorithm, "teachers": list(self.teachers),
            "rm_keys": list(self.rm_keys), "final_replace": dict(self.final_replace)
        }


@dataclass(frozen=True)
class Plan:
    """The steps of a greedy search: each of ``keys`` in turn, each of its values once.

    :param start: where it begins, the base config: of every key the value that says so, or ``BASE``
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
        point = {key.name: self.start[key.name] for key in self.keys}
        return {**point, TEACHER: NO_TEACHER, STAGE: "search"} if self.final else point

    def space(self) -> Space:
        """A space that holds every point that may be trained."""
        choices = [
            key if key.contains(self.start[key.name]) else Choice(key.name, (*key.values, BASE))
            for key in self.keys
        ]
        if self.final:
            choices += [Choice(TEACHER, (NO_TEACHER, *self.teachers)), Choice(STAGE, STAGES)]
        return Space(tuple(choices))

    def times(self, point: Point, search_times: int) -> int:
        """How often ``point`` is trained."""
        return search_times if stage_of(point) == "search" else 1

    def known(self, key: Choice, value: Any) -> bool:
        """Whether ``value`` is what the best training of the step before had already: no need to train it again."""
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
        once = len(self.teachers) + self.final
        return (self.suggestions - once) * search_times + once


def stage_of(point: Point) -> str:
    """One of ``STAGES``; ``search`` for a point of any other search."""
    stage = point.get(STAGE)
    return stage if stage in STAGES and TEACHER in point else "search"


def make_plan(base: dict, keys: Sequence[SearchKey], distillation: Distillation | None) -> Plan:
    """:param keys: with finite hyperparameters"""
    choices = tuple(key.hyperparameter if isinstance(key.hyperparameter, Choice) else Choice(
        key.name, tuple(key.hyperparameter.at(i)
                        for i in range(key.hyperparameter.size)))
                    for key in keys)
    untouched = apply_point(base, [], {})
    start = {
        choice.name: next((value
                           for value in choice.values
                           if dotpath.same(applied(base, [key], {key.name: value}), untouched)),
                          BASE)
        for key, choice in zip(keys, choices)
    }
    return Plan(choices, start, distillation.teachers if distillation else (), distillation
                is not None)


def applied(config: dict, keys: Sequence[SearchKey], point: Point) -> dict:
    """``apply_point`` for those ``keys`` that ``point`` does not leave as they are. As with PaddleClas's ``-o``, the
    last part of a path may be new."""
    keys = [key for key in keys if point[key.name] != BASE]
    config = dotpath.clone(config)
    for key in keys:
        for path in key.replace_config:
            if addable(config, path):
                dotpath.set_(config, path, dotpath.clone(point[key.name]), create=True)
    return apply_point(config, keys, point)


def addable(config: dict, path: str) -> bool:
    """Whether ``path`` is not there and only its last part, a key of a mapping, is missing."""
    parent, _, last = path.rpartition(".")
    if dotpath.exists(config, path) or not last or not parent or not dotpath.exists(config, parent):
        return False
    return isinstance(dotpath.get(config, parent), dict)


def under(path: str, prefix: str) -> bool:
    """Whether ``path`` is ``prefix`` or a part of what stands there."""
    return path == prefix or path.startswith(f"{prefix}.")


def teacher_config(base: dict, keys: Sequence[SearchKey], distillation: Distillation,
                   point: Point) -> dict:
    """The base config with the values found, less ``rm_keys``, and the teacher's architecture."""
    kept = [without(key, distillation.rm_keys) for key in keys]
    name = SearchKey(Choice(TEACHER, distillation.teachers), ("Arch.name",))
    return applied(base, [*(key for key in kept if key is not None), name], point)


def without(key: SearchKey, removed: Sequence[str]) -> SearchKey | None:
    """``key`` less its paths that are ``removed``; None when none is left."""
    left = tuple(
        path for path in key.replace_config if not any(under(path, prefix) for prefix in removed))
    return None if key.replace_config and not left else replace(key, replace_config=left)


def final_config(keys: Sequence[SearchKey], distillation: Distillation, point: Point, *,
                 weights: str = "") -> dict:
    """The distillation config with the values found, each at the place that ``final_replace`` gives it.

    :param weights: the trained teacher's, without ``.pdparams``
    """
    keys = [renamed_key(key, distillation) for key in keys]
    config = applied(distillation.config, keys, point)
    if point[TEACHER] != NO_TEACHER:
        dotpath.set_(config, f"{TEACHER_PATH}.name", point[TEACHER])
        dotpath.set_(config, f"{TEACHER_PATH}.pretrained", weights, create=True)
    return config


def renamed_key(key: SearchKey, distillation: Distillation) -> SearchKey:
    """``key`` with the paths that it has in the distillation config."""
    places = [renamed(path, distillation.final_replace) for path in key.replace_config]
    if distillation.algorithm == "udml" and key.name == "lr_mult_list" and places:
        places.append(f"{TEACHER_PATH}.lr_mult_list")
    return replace(key, replace_config=tuple(dict.fromkeys(places)))


def renamed(path: str, final_replace: dict[str, str]) -> str:
    for old, new in final_replace.items():
        if under(path, old):
            return new + path[len(old):]
    return path
