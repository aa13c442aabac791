"""``search_dict`` of a search file -> the keys that are searched."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.rules import number_hint
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import did_you_mean, show
from paddle_transfer.registry import UnknownName
from paddle_transfer.rules.arguments import arguments_at
from paddle_transfer.settings.conditions import read_conditions
from paddle_transfer.settings.names import check_key_name
from paddle_transfer.settings.reading import Reading
from paddle_transfer.settings.schema import SearchItem
from paddle_transfer.space.entry import Entry
from paddle_transfer.space.hyperparameter import (
    WHOLE,
    Choice,
    Hyperparameter,
    Range,
    Value,
    is_number,
    value_key,
)
from paddle_transfer.space.registry import HYPERPARAMETERS, registered_as
from paddle_transfer.space.search_key import SearchKey, apply_point
from paddle_transfer.stages.plan import addable

Config = dict[str, Any]

#: Keys of a search at most.
MOST_KEYS = 200


def read_search_dict(reading: Reading, base: Config | None, items: Sequence[SearchItem], *,
                     metric: str = "") -> list[SearchKey]:
    """The keys of ``items``; none at all when one of them has a mistake.

    :param base: None when there is no usable one, and then nothing is checked against it
    :param items: ``search_dict``, a place for every item, also for those with a mistake
    """
    keys: dict[str, SearchKey] = {}
    if len(items) > MOST_KEYS:
        reading.issues.add("search_dict", f"may have {MOST_KEYS} keys", f"{len(items):,}",
                           "No search tells the effects of more apart.")
        return []
    names = [item.search_key for item in items if item.search_key]
    places: dict[str, int] = {}
    for i, item in enumerate(items):
        reader = _ItemReader(reading, f"search_dict.{i}", item, base, names)
        if item.search_key:
            check_key_name(item.search_key, f"{reader.where}.search_key", metric, list(keys),
                           reading.issues)
        key = reader.key() if item.search_key else None
        if key is None or reading.spoilt(reader.where):
            continue
        if key.name in keys:
            reading.issues.add(f"{reader.where}.search_key", "may stand only once in search_dict",
                               repr(key.name), "Join the two lists of values.")
            continue
        if base is not None:
            _try_out(key, base, where=reader.where, issues=reading.issues)
        keys[key.name], places[key.name] = key, i
    made = read_conditions(reading, items, keys, places)
    return [] if reading.spoilt("search_dict") else made


@dataclass(frozen=True)
class _ItemReader:
    """Reads one item.

    :param where: its path in the search file
    :param names: all names that are searched
    """

    reading: Reading
    where: str
    item: SearchItem
    base: Config | None
    names: Sequence[str]

    def add(self, key: str, rule: str, found: str = "", hint: str = "") -> None:
        self.reading.issues.add(f"{self.where}.{key}", rule, found, hint)

    @property
    def written(self) -> Config:
        """The item as it was written."""
        written: Config = dotpath.get(self.reading.data, self.where)
        return written

    @property
    def entry(self) -> Entry | None:
        """The registered hyperparameter; None for a key of the user's own."""
        name = self.item.search_key
        ours = "replace_config" not in self.written and name in HYPERPARAMETERS
        return HYPERPARAMETERS[name] if ours else None

    def key(self) -> SearchKey | None:
        """The key; None when its values have a mistake. There may be issues in either case."""
        name, base = self.item.search_key, self.base
        try:
            _ = self.entry
        except UnknownName as error:  # a module:attribute that cannot be imported
            self.add("search_key", str(error), repr(name))
            return None
        self._check_paths()
        if self.entry is None and "replace_config" not in self.written:
            meant = registered_as(name)
            closest = f"Did you mean '{meant}'?" if meant else did_you_mean(
                name, HYPERPARAMETERS.names())
            self.add("search_key", "is not one that needs no replace_config", repr(name),
                     f"{closest} Or say with replace_config what it sets.".strip())
        lacks = (self.entry.check_requirements(base) if self.entry and base is not None
                 and not {self.entry.parent, *(self.entry.nearer or ())} & set(self.names)
                 else None)
        if lacks:
            self.add("search_key", f"{name} {lacks} of the base config", "none there",
                     "Add it, or take the key out.")
        hyperparameter = self._hyperparameter()
        added = tuple(path for path in self.item.replace_config
                      if base is not None and addable(base, path))
        return (SearchKey(hyperparameter, self.item.replace_config, added) if hyperparameter
                else None)

    def _check_paths(self) -> None:
        for i, path in enumerate(self.item.replace_config):
            if self.base is None or dotpath.exists(self.base, path):
                continue
            new, (place, _, key) = addable(self.base, path), path.rpartition(".")
            known = arguments_at(self.base, place, self.reading.ppcls) if new else ()
            if key in known:
                continue
            close = difflib.get_close_matches(key, known, 1, 0.8)
            hint = (f"Did you mean '{place}.{close[0]}'?" if close
                    else _nearest(self.base, path))
            if new and not hint.startswith("Did"):
                hint = f"{hint} Add it there, or by -o {path}=VALUE, to search it all the same."
            self.add(f"replace_config.{i}", "must exist in the base config", repr(path), hint)

    def _hyperparameter(self) -> Hyperparameter | None:
        item, written, entry = self.item, self.written, self.entry
        name = item.search_key
        usual_log = name in HYPERPARAMETERS and HYPERPARAMETERS[name].log
        log = usual_log if item.log is None else item.log
        if "search_range" in written:
            if "search_values" in written:
                self.add("search_range", "may not stand beside search_values",
                         hint="Keep one of them.")
            return self._range(log)
        if item.integer:
            self.add("integer", "belongs to search_range")
        values = item.search_values or (tuple(entry.values) if entry else ())
        if "search_values" not in written and "replace_config" in written:
            self.add("search_values", "is needed (or search_range)",
                     hint="List the values to try.")
        if not values or not self._values_fit(values):
            return None
        numbers = all(map(is_number, values))
        if item.log and not (numbers and min(values) >= 0):
            self.add("log", "needs values that are numbers, 0 or more", show(list(values)))
            return None
        return Choice(item.search_key, values, log=log and numbers)

    def _values_fit(self, values: tuple[Value, ...]) -> bool:
        entry, fine = self.entry, True
        numeric = bool(self.item.replace_config) and self.base is not None and all(
            dotpath.exists(self.base, path) and is_number(dotpath.get(self.base, path))
            for path in self.item.replace_config)
        seen: dict[str, Value] = {}
        for i, value in enumerate(values):
            rule = entry.check(value) if entry else None
            hint = "" if rule and "number" not in rule else number_hint(value)
            if numeric and isinstance(value, str):
                rule = "must be a number, as what it replaces in the base config is"
            if rule is None and not _is_finite(value):
                rule, hint = "must be a number that is finite", ""
            if rule is None:
                said = value_key(entry.canonical(value) if entry else value)
                if said in seen:
                    rule = "must differ from the values before it"
                    hint = "Take one out." if dotpath.same(seen[said], value) else (
                        f"{seen[said]!r} says the same.")
                seen.setdefault(said, value)
            if rule:
                self.add(f"search_values.{i}", rule, show(value), hint)
                fine = False
        return fine

    def _range(self, log: bool) -> Range | None:
        item, entry = self.item, self.entry
        if item.search_range is None:
            return None
        low, high = item.search_range
        rule = next(filter(None, map(entry.check, (low, high))), None) if entry else None
        if not low < high:
            rule = "low < high must hold"
        elif rule is None and log and low <= 0:
            rule = "a range on a logarithmic axis starts above 0"
        elif rule is None and item.integer and not (
                float(low).is_integer() and float(high).is_integer()):
            rule = "the ends of an integer range must be whole numbers"
        elif rule is None and item.integer and max(abs(low), abs(high)) > WHOLE:
            rule = "the ends of an integer range must be below 2**53"
        elif rule is None and not math.isfinite(high - low):
            rule = "a range must have a finite width"
        if rule:
            hint = "Write 'log: False' for a linear axis." if "logarithmic" in rule else ""
            self.add("search_range", rule, show([low, high]), hint)
            return None
        kind = int if item.integer else float
        return Range(item.search_key, kind(low), kind(high), log=log, integer=item.integer)


def _is_finite(value: Value) -> bool:
    """Whether no number in ``value`` is NaN or infinite."""
    if isinstance(value, (list, dict)):
        return all(map(_is_finite, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or math.isfinite(value)


def _nearest(config: Config, path: str) -> str:
    """What to write instead of a path that leads nowhere."""
    known = {".".join(parts[:n]) for parts in (one.split(".") for one, _ in dotpath.walk(config))
             for n in range(1, len(parts) + 1)}
    close = difflib.get_close_matches(path, sorted(known), n=1, cutoff=0.8)
    if close:
        return f"Did you mean '{close[0]}'?"
    try:
        dotpath.get(config, path)
    except dotpath.PathError as error:
        there = ", ".join(error.known[:12])
        return (f"{error.reached or 'The base config'} has {there}." if there
                else f"{error.reached} is a single value.")
    raise AssertionError(f"{path} exists")


def _try_out(key: SearchKey, base: Config, *, where: str, issues: ValidationIssues) -> None:
    """Edit a copy of the base config with every value: what cannot be edited shows early."""
    h = key.hyperparameter
    for value in h.values[:100] if isinstance(h, Choice) else (h.low, h.high):
        try:
            apply_point(base, [key], {key.name: value})
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            issues.add(where, f"{key.name}={value!r} cannot be put into the base config",
                       str(error) or repr(error), f"It edits {', '.join(key.edits)}.")
            return
