"""The rules about whole configs (``rules.registry``), checked at every config that a search can
reach, before any training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from paddle_transfer.config.shape import check_shape
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import ConfigError, ValidationIssue
from paddle_transfer.rules.base import Rule, overlap, touches
from paddle_transfer.settings.kinds import Kind
from paddle_transfer.settings.reachable import configs, touching, with_parents
from paddle_transfer.settings.wording import Places, Seen, prefix, told
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.space.space import Point
from paddle_transfer.stages.plan import BASE

Config = dict[str, Any]

#: The rule of a config that cannot be made.
EDIT = "the values cannot be put into one config"


def check_reachable(kinds: Sequence[Kind], rules: Sequence[Rule], places: Places, *,
                    issues: ValidationIssues, lacking: ValidationIssues) -> bool:
    """Add what is wrong with any config of ``kinds``; what is there already is not repeated.

    :param lacking: takes missing files in place of ``issues``
    :returns: whether every config could be made and has the form of one
    """
    mentioned = {(issue.where, issue.rule, issue.found) for issue in (*issues, *lacking)}
    of_base = {(issue.where, issue.rule) for issue in (*issues, *lacking)}
    sound = True
    for kind in kinds:
        for keys, some in _groups(kind, rules):
            for rule, seen in _seen(kind, keys, some):
                sound = sound and (rule is not None or not seen.wrong)
                seen.wrong = {(where, text): wrong for (where, text), wrong in seen.wrong.items()
                              if (f"{kind.file}: {kind.shown(where)}", text) not in of_base}
                for issue in told(kind, keys, seen, places):
                    mark = (issue.where, issue.rule.removeprefix(prefix(kind)), issue.found)
                    if mark not in mentioned:
                        mentioned.add(mark)
                        (lacking if rule is not None and rule.lacking else issues).append(issue)
        for keys, seen in _seen_requirements(kind) if sound else ():
            issues += told(kind, keys, seen, places)
    return sound


def _groups(kind: Kind, rules: Sequence[Rule]) -> list[tuple[Sequence[SearchKey], list[Rule]]]:
    """The rules that look at the same keys, with these keys; and keys that edit the same place."""
    groups: dict[tuple[bool, tuple[str, ...]], tuple[Sequence[SearchKey], list[Rule]]] = {}

    def add(keys: Sequence[SearchKey], *some: Rule) -> None:
        conditional = any(key.hyperparameter.condition for key in keys)
        mark = conditional, tuple(key.name for key in keys)
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
            add([plain], rule)
        if not alone:
            add([], rule)
    for one, other in combinations(kind.keys, 2):
        if (one.replace_config or other.replace_config) and any(
                overlap(a, b) for a in one.edits for b in other.edits):
            add(touching(kind.keys, (*one.edits, *other.edits)))
    return list(groups.values())


def _seen_requirements(kind: Kind) -> Iterator[tuple[Sequence[SearchKey], Seen]]:
    """What registered keys need of the config, and lack beside values of other keys."""
    names = [key.name for key in kind.keys]
    for key in kind.keys:
        for other in kind.keys:
            if key.entry is None or key.entry.parent in names or not other.replace_config:
                continue
            keys, seen = with_parents(kind.keys, {key.name, other.name}), Seen()
            for point, config in configs(kind, keys):
                seen.points.append(point)
                lacks = isinstance(config, dict) and point.get(key.name, BASE) != BASE and (
                    key.entry.check_requirements(config))
                if lacks:
                    rule = f"{key.name} {lacks}, which is not there"
                    seen.wrong.setdefault(("", rule), {})[len(seen.points) - 1] = ValidationIssue(
                        "", rule, hint="Take the value out" + (
                            "." if kind.stepwise else f", or search {key.name} only where it fits: "
                            f"when: {{{other.name}: ...}}."))
            yield keys, seen


def _seen(kind: Kind, keys: Sequence[SearchKey], rules: Sequence[Rule]
          ) -> Iterator[tuple[Rule | None, Seen]]:
    """What each of ``rules``, and the making of configs (None), says at all points of ``keys``."""
    seen: dict[int, Seen] = {i: Seen() for i in range(-1, len(rules))}
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
        yield -1, ValidationIssue("", EDIT, str(config) or repr(config))
    elif misshapen := check_shape(config):  # on which the rules rely
        yield from ((-1, issue) for issue in misshapen)
    else:
        for i, rule in enumerate(rules):
            found = ValidationIssues()
            rule.check(config, found)
            yield from ((i, issue) for issue in found)
