"""Mistakes at some points of a search as messages: which values of which items are to blame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from paddle_transfer.errors import ValidationIssue
from paddle_transfer.settings.blame import causes
from paddle_transfer.settings.kinds import TEACHER, Kind
from paddle_transfer.settings.reachable import values_of
from paddle_transfer.space.hyperparameter import Choice, Value, value_key
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.space.space import Point
from paddle_transfer.stages.plan import BASE

#: Values of one key, and mistakes of one rule, that are told at most.
MOST_VALUES, MOST_ISSUES = 6, 3


@dataclass(frozen=True)
class Places:
    """Where the keys stand, for messages.

    :param items: name -> its place in search_dict
    :param conditional: whether ``when`` is for this search
    """

    items: Mapping[str, int]
    conditional: bool = True

    def where(self, key: SearchKey) -> str:
        if key.name == TEACHER and TEACHER not in self.items:
            return "teacher.search_values"
        what = "search_values" if isinstance(key.hyperparameter, Choice) else "search_range"
        return f"search_dict.{self.items[key.name]}.{what}"


@dataclass
class Seen:
    """What a rule said at some points: (place in the config, rule) -> the indices of the points,
    and the first issue. ``at_base``: what it says of the config without any value."""

    points: list[Point] = field(default_factory=list)
    wrong: dict[tuple[str, str], dict[int, ValidationIssue]] = field(default_factory=dict)
    at_base: set[tuple[str, str]] = field(default_factory=set)


def told(kind: Kind, keys: Sequence[SearchKey], seen: Seen, places: Places
          ) -> Iterator[ValidationIssue]:
    for mark, wrong in seen.wrong.items():
        found = causes(seen.points, wrong, from_base=mark in seen.at_base)
        if any(map(_is_base, found)):
            issue = next((issue for i, issue in wrong.items() if _is_base(seen.points[i])),
                         next(iter(wrong.values())))
            where = f"{kind.file}: {kind.shown(issue.where)}"
            yield replace(issue, where=where.removesuffix(": "))
            found = [cause for cause in found if not _is_base(cause)]
        for names, first, values in _merged(found)[:MOST_ISSUES]:
            blamed = [key for name in names for key in keys if key.name == name]
            said = next(issue for i, issue in wrong.items() if all(
                value_key(seen.points[i].get(name)) == value_key(value)
                for name, value in {**first, names[-1]: values[0]}.items()))
            yield _worded(kind, said, blamed, first, values, places)


def _is_base(point: Point) -> bool:
    """Whether ``point`` is the base config: it has no values, or only those that are there."""
    return all(value == BASE for value in point.values())


def _merged(found: Sequence[Point]) -> list[tuple[list[str], Point, list[Value]]]:
    """(names, the values of all but the last name, all values of the last name) of the causes."""
    groups: dict[tuple[tuple[str, str], ...], tuple[list[str], Point, list[Value]]] = {}
    for cause in found:  # what the base config has comes first: the values beside it are to blame
        *others, last = sorted(cause, key=lambda name: cause[name] != BASE)
        mark = (*((name, value_key(cause[name])) for name in others), (last, ""))
        first = {name: cause[name] for name in others}
        groups.setdefault(mark, ([*others, last], first, []))[2].append(cause[last])
    return list(groups.values())


def prefix(kind: Kind) -> str:
    return f"in {kind.name}, " if kind.name else ""


def _worded(kind: Kind, said: ValidationIssue, blamed: Sequence[SearchKey], first: Point,
            values: Sequence[Value], places: Places) -> ValidationIssue:
    last = blamed[-1]
    shown = ", ".join(map(_short, values[:MOST_VALUES])) + (
        f", ... ({len(values)} values)" if len(values) > MOST_VALUES else "")
    beside = ", ".join(f"{name} {_short(value)}" if value != BASE else f"the {name} of the base "
                       "config" for name, value in first.items())
    with_ = f"{last.name} {shown}" + (f" beside {beside}" if beside else "")
    rule = f"{prefix(kind)}with {with_}, {kind.shown(said.where)} {said.rule}".replace(",  ", ", ")
    return ValidationIssue(places.where(last), rule, said.found, " ".join(filter(None, [
        said.hint, _apart(blamed, first, places) if first else ""])))


def _short(value: Value) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:30]}...{text[-27:]}"


def _apart(blamed: Sequence[SearchKey], first: Point, places: Places) -> str:
    """How to leave the points out: by a condition, where one can say it."""
    *_, other, last = blamed
    good = [value for value in values_of(other)
            if value_key(value) != value_key(first[other.name])]
    if not places.conditional or not good or not isinstance(other.hyperparameter, Choice) or (
            last.hyperparameter.condition):
        return "Take one of the values out."
    return (f"Take one of the values out, or search {last.name} only where it fits: when: "
            f"{{{other.name}: {good[:MOST_VALUES]}}}.")
