"""The rules about whole configs (``rules.registry``), checked at every config that a search can
reach, before any training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from paddle_transfer.config.shape import check_shape
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import ConfigError, ValidationIssue
from paddle_transfer.rules.base import Rule, overlap, touches
from paddle_transfer.rules.registry import FORM
from paddle_transfer.settings.blame import causes
from paddle_transfer.settings.kinds import TEACHER, Kind
from paddle_transfer.settings.reachable import EDIT_ERRORS, configs, touching, values_of
from paddle_transfer.space.hyperparameter import Choice, Value, value_key
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.space.space import Point
from paddle_transfer.stages.plan import BASE

Config = dict[str, Any]

#: Values of one key, and mistakes of one rule, that are told at most.
MOST_VALUES, MOST_ISSUES = 6, 3

#: The rule of a config that cannot be made.
_EDIT = "the values cannot be put into one config"


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
class _Seen:
    """What a rule said at some points: (place in the config, rule) -> the indices of the points,
    and the first issue. ``at_base``: what it says of the config without any value."""

    points: list[Point] = field(default_factory=list)
    wrong: dict[tuple[str, str], dict[int, ValidationIssue]] = field(default_factory=dict)
    at_base: set[tuple[str, str]] = field(default_factory=set)


def check_reachable(kinds: Sequence[Kind], rules: Sequence[Rule], places: Places, *,
                    issues: ValidationIssues, lacking: ValidationIssues) -> bool:
    """Add what is wrong with any config of ``kinds``; what is there already is not repeated.

    :param lacking: takes missing files in place of ``issues``
    :returns: whether every config could be made and has the form of one
    """
    kinds = [kind for kind in kinds if _is_sound(kind)]
    before = len(issues)
    _check(kinds, [FORM], places, issues, lacking)
    sound = len(issues) == before
    if sound:
        _check(kinds, rules, places, issues, lacking)
    return sound


def _is_sound(kind: Kind) -> bool:
    """Whether its file has the form on which edits and rules rely; else that has been told."""
    (_, config), = configs(kind, ())
    return isinstance(config, dict) and not check_shape(config)


def _check(kinds: Sequence[Kind], rules: Sequence[Rule], places: Places, issues: ValidationIssues,
           lacking: ValidationIssues) -> None:
    told = {(issue.where, issue.rule, issue.found) for issue in (*issues, *lacking)}
    of_base = {(issue.where, issue.rule) for issue in (*issues, *lacking)}
    for kind in kinds:
        for keys, some in _groups(kind, rules):
            for rule, seen in _seen(kind, keys, some):
                seen.wrong = {(where, text): wrong for (where, text), wrong in seen.wrong.items()
                              if (f"{kind.file}: {kind.shown(where)}", text) not in of_base}
                for issue in _told(kind, keys, seen, places):
                    mark = (issue.where, issue.rule.removeprefix(_prefix(kind)), issue.found)
                    if mark not in told:
                        told.add(mark)
                        (lacking if rule is not None and rule.lacking else issues).append(issue)


def _groups(kind: Kind, rules: Sequence[Rule]) -> list[tuple[Sequence[SearchKey], list[Rule]]]:
    """The rules that look at the same keys, with these keys; and keys that edit the same place."""
    groups: dict[tuple[bool, tuple[str, ...]], tuple[Sequence[SearchKey], list[Rule]]] = {}

    def add(keys: Sequence[SearchKey], *some: Rule, alone: bool = False) -> None:
        mark = alone, tuple(key.name for key in keys)
        groups.setdefault(mark, (keys, []))[1].extend(some)

    for rule in rules:
        if (kind.edits and not touches(kind.edits, rule.reads)) or (
                rule.searched and not any(_sets(key, rule) for key in kind.keys)):
            continue
        if not rule.alone:
            add(touching(kind.keys, rule.reads), rule)
            continue
        alone = [key for key in kind.keys if touches(key.edits, rule.reads)]
        for key in alone:
            plain = replace(key, hyperparameter=replace(key.hyperparameter, condition=()))
            add([plain], rule, alone=True)
        if not alone:
            add([], rule)
    for one, other in combinations(kind.keys, 2):
        if (one.replace_config or other.replace_config) and any(
                overlap(a, b) for a in one.edits for b in other.edits):
            add(touching(kind.keys, (*one.edits, *other.edits)))
    return list(groups.values())


def _seen(kind: Kind, keys: Sequence[SearchKey], rules: Sequence[Rule]
          ) -> Iterator[tuple[Rule | None, _Seen]]:
    """What each of ``rules``, and the making of configs (None), says at all points of ``keys``."""
    seen: dict[int, _Seen] = {i: _Seen() for i in range(-1, len(rules))}
    points: list[Point] = []
    for point, config in configs(kind, keys):
        points.append(point)
        setting = [key for key in keys if point.get(key.name, BASE) != BASE]
        for i, said in _said(config, rules):
            if i >= 0 and rules[i].searched and not any(_sets(key, rules[i]) for key in setting):
                continue
            seen[i].wrong.setdefault((said.where, said.rule), {}).setdefault(len(points) - 1, said)
    if any(one.wrong for one in seen.values()):
        (_, config), = configs(kind, ())
        for i, said in _said(config, rules):
            if i < 0 or not rules[i].searched:
                seen[i].at_base.add((said.where, said.rule))
    for i, one in seen.items():
        one.points = points
        yield (rules[i] if i >= 0 else None), one


def _sets(key: SearchKey, rule: Rule) -> bool:
    """Whether ``key`` says what stands at ``rule.searched``; an entry that edits more keeps it."""
    return touches(key.edits, rule.searched) and (bool(key.replace_config) or any(
        edit.count(".") == path.count(".") for edit in key.edits for path in rule.searched))


def _said(config: Config | Exception, rules: Sequence[Rule]
          ) -> Iterator[tuple[int, ValidationIssue]]:
    """(index in ``rules``, mistake) of one config; -1 for one that could not be made."""
    if isinstance(config, ConfigError):
        yield from ((-1, issue) for issue in config.issues)
    elif isinstance(config, Exception):
        yield -1, ValidationIssue("", _EDIT, str(config) or repr(config))
    else:
        for i, rule in enumerate(rules):
            found = ValidationIssues()
            try:
                rule.check(config, found)
            except EDIT_ERRORS as error:  # values that fit alone make a config of another form
                yield -1, next(iter(check_shape(config)), ValidationIssue("", _EDIT, repr(error)))
            yield from ((i, issue) for issue in found)


def _told(kind: Kind, keys: Sequence[SearchKey], seen: _Seen, places: Places
          ) -> Iterator[ValidationIssue]:
    for mark, wrong in seen.wrong.items():
        found = causes(seen.points, wrong, from_base=mark in seen.at_base)
        issue = next(iter(wrong.values()))
        if found == [{}]:
            where = f"{kind.file}: {kind.shown(issue.where)}"
            yield replace(issue, where=where.removesuffix(": "))
            continue
        for names, first, values in _merged(found)[:MOST_ISSUES]:
            blamed = [key for name in names for key in keys if key.name == name]
            said = next(issue for i, issue in wrong.items() if all(
                value_key(seen.points[i].get(name)) == value_key(value)
                for name, value in {**first, names[-1]: values[0]}.items()))
            yield _worded(kind, said, blamed, first, values, places)


def _merged(found: Sequence[Point]) -> list[tuple[list[str], Point, list[Value]]]:
    """(names, the values of all but the last name, all values of the last name) of the causes."""
    groups: dict[tuple[tuple[str, str], ...], tuple[list[str], Point, list[Value]]] = {}
    for cause in found:  # what the base config has comes first: the values beside it are to blame
        *others, last = sorted(cause, key=lambda name: cause[name] != BASE)
        mark = (*((name, value_key(cause[name])) for name in others), (last, ""))
        first = {name: cause[name] for name in others}
        groups.setdefault(mark, ([*others, last], first, []))[2].append(cause[last])
    return list(groups.values())


def _prefix(kind: Kind) -> str:
    return f"in {kind.name}, " if kind.name else ""


def _worded(kind: Kind, said: ValidationIssue, blamed: Sequence[SearchKey], first: Point,
            values: Sequence[Value], places: Places) -> ValidationIssue:
    last = blamed[-1]
    shown = ", ".join(map(_short, values[:MOST_VALUES])) + (
        f", ... ({len(values)} values)" if len(values) > MOST_VALUES else "")
    beside = ", ".join(f"{name} {_short(value)}" if value != BASE else f"the {name} of the base "
                       "config" for name, value in first.items())
    with_ = f"{last.name} {shown}" + (f" beside {beside}" if beside else "")
    rule = f"{_prefix(kind)}with {with_}, {kind.shown(said.where)} {said.rule}".replace(",  ", ", ")
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
