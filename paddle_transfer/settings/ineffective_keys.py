"""Finds search keys that change nothing, before any training. Either PaddleClas ignores what the
key sets, or two points of the space are the same in effect."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.base import comparable
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import show
from paddle_transfer.rules.arguments import heeded, ignored
from paddle_transfer.rules.base import touches
from paddle_transfer.settings.ignored import Ignored, why_ignored
from paddle_transfer.settings.normal_form import normal_form, why_the_same
from paddle_transfer.space.hyperparameter import Choice, Value, value_key
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.space.space import Point, Space
from paddle_transfer.stages.plan import applied

Config = dict[str, Any]
#: Makes configs equal that train the same.
Form = Callable[[Config], Config]

#: Points that are compared at most. One takes about a quarter of a millisecond.
POINTS = 600


def check_ineffective(base: Config, keys: Sequence[SearchKey], issues: ValidationIssues, *,
                      stepwise: bool = False, ppcls: Path | None = None) -> None:
    """Add a mistake for every key whose paths PaddleClas all ignores, and for keys with two points
    of the space that are the same training.

    :param stepwise: keys come one by one: what depends on the values of others is no mistake
    :param ppcls: whose parts are asked which arguments they take; None: that is not known
    """
    rest, trained = [], _Trained(base, ppcls)
    # the last value of every key: a warmup, say, may be searched beside its start
    last = applied(base, keys, {key.name: _values(key)[-1] for key in keys})
    for key in keys:
        reasons = [why_ignored(last, path) or trained.passed_over(last, path, keys)
                   for path in key.replace_config]
        reason = reasons[0] if reasons and all(reasons) else None
        if reason is None:
            rest.append(key)
            continue
        issues.add(f"search_key {key.name}", "must change the training",
                   ", ".join(key.replace_config), f"It would not, because {reason.reason}. "
                   f"{reason.hint or 'Take the key out.'}")
    told: set[str] = set()
    for group, form in [(rest, comparable), *(([key], normal_form) for key in rest)] if stepwise \
            else [(rest, normal_form)]:
        for names, first, second in twins(trained, group, form) if group else ():
            if not told & set(names):
                told.update(names)
                issues.add(f"search_key {' and '.join(names)}", "two points of the space must not "
                           "be the same training", *_told(trained, group, names, first, second))


@dataclass(frozen=True)
class _Trained:
    """The configs of points, less what PaddleClas's parts pass over.

    :param ppcls: see ``check_ineffective``
    """

    base: Config
    ppcls: Path | None

    def config(self, keys: Sequence[SearchKey], point: Point) -> Config:
        return heeded(applied(self.base, keys, point), self.ppcls)

    def text(self, keys: Sequence[SearchKey], point: Point, form: Form = normal_form) -> str:
        """Equal texts for configs that train the same."""
        return dotpath.stable_text(form(self.config(keys, point)))

    def passed_over(self, config: Config, path: str, keys: Sequence[SearchKey]) -> Ignored | None:
        """Why ``path`` changes nothing whatever ``keys`` say; None when it does."""
        why, part = ignored(config, self.ppcls).get(path), path.rpartition(".")[0]
        chosen = any(touches(key.edits, [f"{part}.name"]) for key in keys)
        return Ignored(path, why) if why and not chosen else None

    def why_the_same(self, keys: Sequence[SearchKey], first: Point, second: Point) -> str:
        """See ``normal_form.why_the_same``."""
        one, other = (applied(self.base, keys, point) for point in (first, second))
        for path, why in {**ignored(one, self.ppcls), **ignored(other, self.ppcls)}.items():
            if not dotpath.same(dotpath.find(one, path), dotpath.find(other, path)):
                return why
        return why_the_same(*(heeded(config, self.ppcls) for config in (one, other)))


def _told(trained: _Trained, keys: Sequence[SearchKey], names: Sequence[str], first: Point,
          second: Point) -> tuple[str, str]:
    """(what was found, what to do) for two points that are the same training."""
    a, b = (f"{names[0]} {show(one[names[0]], 40)}" for one in (first, second))
    deciding = _deciding(names, first, second, trained, keys)
    beside = ", ".join(f"{name} {first[name]}" for name in deciding)
    why = trained.why_the_same(keys, first, second)
    found = f"{a} and {b} " + ("are the same in effect" if why else "give the same config")
    hint = f"{why[:1].upper()}{why[1:]}. " if why else ""
    condition = "".join(f" Or search it where its values differ: when: {{{name}: {values}}}."
                        for name, values in list(deciding.items())[:1] if values)
    return (found + (f" beside {beside}" if beside else ""),
            hint + _hint(names[0], keys, clashes=not why) + condition)


def _deciding(names: Sequence[str], first: Point, second: Point, trained: _Trained,
              keys: Sequence[SearchKey]) -> dict[str, list[Value]]:
    """The other keys by which two points that are the same would differ, with the values of each;
    of a range none, as no condition can name them."""
    found: dict[str, list[Value]] = {}
    for key in keys:
        if key.name in names or first.get(key.name) is None:
            continue
        values = [value for value in _values(key)
                  if trained.text(keys, {**first, key.name: value})
                  != trained.text(keys, {**second, key.name: value})]
        if values:
            found[key.name] = values if isinstance(key.hyperparameter, Choice) else []
    return found


def twins(trained: _Trained, keys: Sequence[SearchKey], form: Form
          ) -> Iterator[tuple[list[str], Point, Point]]:
    """(names that differ, point, point) of points with the same config; each set of names once."""
    space = Space(tuple(key.hyperparameter for key in keys))
    points = (space.points() if space.size is not None and space.size <= POINTS
              else islice(_neighbours(keys, space), POINTS))
    seen: dict[str, Point] = {}
    told: set[str] = set()
    for point in points:
        other = seen.setdefault(trained.text(keys, point, form), point)
        names = [name for name in space.names
                 if value_key(other.get(name)) != value_key(point.get(name))]
        if space.key(other) != space.key(point) and names and not told & set(names):
            told.update(names)
            yield names, other, point


def _neighbours(keys: Sequence[SearchKey], space: Space) -> Iterator[Point]:
    """Points that differ from some point in one key only, without end."""
    rng = random.Random(0)
    centre = {key.name: _values(key)[0] for key in keys}
    while True:
        for key in keys:
            for value in _values(key):
                yield space.canonical({**centre, key.name: value})
        centre = space.sample(rng)


def _values(key: SearchKey) -> list[Value]:
    """All values of a choice; both ends of a range, and one between them."""
    h = key.hyperparameter
    return list(h.values) if isinstance(h, Choice) else [h.low, h.decode(0.5), h.high]


def _hint(name: str, keys: Sequence[SearchKey], *, clashes: bool) -> str:
    key = next(key for key in keys if key.name == name)
    for other in keys if clashes else ():
        for path in key.edits if other is not key else ():
            clash = next((theirs for theirs in other.edits
                          if f"{theirs}.".startswith(f"{path}.")
                          or f"{path}.".startswith(f"{theirs}.")), None)
            if clash:
                return f"{other.name} sets {clash} too. Keep one of the two."
    out = "Take the value out" if isinstance(key.hyperparameter, Choice) else "Narrow the range"
    return f"It edits {', '.join(key.edits)}. {out}, or take the key out."
