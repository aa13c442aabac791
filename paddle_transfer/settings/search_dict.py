"""``search_dict`` of a search file -> the keys that are searched."""

from __future__ import annotations

import difflib
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.fields import Fields, a_list, boolean, text
from paddle_transfer.config.rules import number_hint
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import did_you_mean, show
from paddle_transfer.settings.conditions import read_conditions
from paddle_transfer.space.catalog import SearchKey, apply_point
from paddle_transfer.space.entry import Entry
from paddle_transfer.space.hyperparameter import Choice, Hyperparameter, Range, is_number
from paddle_transfer.space.registry import HYPERPARAMETERS

ITEM_KEYS = ("search_key", "search_values", "search_range", "log", "integer", "replace_config",
             "when")


def read_search_dict(items: list, base_config: dict | None,
                     issues: ValidationIssues) -> list[SearchKey]:
    """The keys of the list ``items`` that are in order; everything else goes into ``issues``.

    :param base_config: None when there is no usable one, and then nothing is checked against it
    """
    keys: list[SearchKey] = []
    for i, item in enumerate(items):
        where, before = f"search_dict.{i}", len(issues)
        if not isinstance(item, dict):
            issues.add(where, "must be a mapping with search_key", show(item))
            continue
        key = _read_item(Fields(item, issues, f"{where}."), base_config, among=_names(items))
        if key is None or len(issues) > before:
            continue
        if any(key.name == other.name for other in keys):
            issues.add(f"{where}.search_key", "may stand only once in search_dict", repr(key.name),
                         "Join the two lists of values.")
            continue
        if base_config is not None:
            _try_out(key, base_config, where=where, issues=issues)
        keys.append(key)
    return read_conditions(items, keys, issues)


def _names(items: list) -> list[str]:
    return [
        item["search_key"]
        for item in items
        if isinstance(item, dict) and isinstance(item.get("search_key"), str)
    ]


def _read_item(fields: Fields, base_config: dict | None, *, among: list[str]) -> SearchKey | None:
    """:param among: all names that are searched"""
    fields.unknown(ITEM_KEYS)
    name = fields.take("search_key", "", text)
    replace = _read_paths(fields, base_config)
    if not name:
        if "search_key" not in fields.data:
            fields.issues.add(
                f"{fields.prefix}search_key", "is needed",
                hint=f"Known: {', '.join(HYPERPARAMETERS)}; or any name of your own with "
                "replace_config.")
        return None
    entry = HYPERPARAMETERS[name] if (
        name in HYPERPARAMETERS and "replace_config" not in fields.data) else None
    if entry is None and "replace_config" not in fields.data:
        fields.issues.add(
            f"{fields.prefix}search_key", "is not one that needs no replace_config", repr(name),
            f"{did_you_mean(name, HYPERPARAMETERS.names())} Or say with replace_config what it "
            "sets.".strip())
    lacks = entry.check_requirements(base_config) if (
        entry and base_config is not None and entry.parent not in among) else None
    if lacks:
        fields.issues.add(f"{fields.prefix}search_key", f"{name} {lacks} of the base config",
                          "none there", "Add it, or take the key out.")
    hyperparameter = _read_values(fields, name, entry=entry, numeric=_are_numbers(
        replace, base_config))
    return SearchKey(hyperparameter, replace) if hyperparameter is not None else None


def _read_paths(fields: Fields, base_config: dict | None) -> tuple[str, ...]:
    given = fields.take("replace_config", (), lambda value: None
                        if isinstance(value, str) else a_list(value))
    given = [given] if isinstance(given, str) else given
    for i, path in enumerate(given):
        where = f"{fields.prefix}replace_config.{i}"
        if not isinstance(path, str) or not all(path.split(".")):
            fields.issues.add(where, "must be a dotted path such as Optimizer.lr.learning_rate",
                              show(path))
        elif base_config is not None and not dotpath.exists(base_config, path):
            fields.issues.add(where, "must exist in the base config", repr(path),
                              _nearest(base_config, path))
    return tuple(map(str, given))


def _nearest(config: dict, path: str) -> str:
    """What to write instead of a path that leads nowhere."""
    close = difflib.get_close_matches(path, _all_paths(config), n=1, cutoff=0.8)
    if close:
        return f"Did you mean '{close[0]}'?"
    try:
        dotpath.get(config, path)
    except dotpath.PathError as error:
        known = ", ".join(error.known[:12])
        return f"{error.reached or 'The base config'} has {known}." if known else f"{error.reached} is a single value."
    raise AssertionError(f"{path} exists")


def _all_paths(config: dict) -> list[str]:
    found: dict[str, None] = {}
    for path, _ in dotpath.walk(config):
        parts = path.split(".")
        found.update((".".join(parts[:n]), None) for n in range(1, len(parts) + 1))
    return list(found)


def _are_numbers(replace: tuple[str, ...], base_config: dict | None) -> bool:
    """Whether all that ``replace_config`` names holds a number now."""
    return bool(replace) and base_config is not None and all(
        dotpath.exists(base_config, path) and is_number(dotpath.get(base_config, path))
        for path in replace)


def _read_values(fields: Fields, name: str, *, entry: Entry | None,
                 numeric: bool) -> Hyperparameter | None:
    default_log = name in HYPERPARAMETERS and HYPERPARAMETERS[name].log
    log = fields.take("log", default_log, boolean)
    integer = fields.take("integer", False, boolean)
    if "search_range" in fields.data:
        if "search_values" in fields.data:
            fields.issues.add(f"{fields.prefix}search_range", "may not stand beside search_values",
                                hint="Keep one of them.")
        return _read_range(fields, name, entry=entry, log=log, integer=integer)
    if integer:
        fields.issues.add(f"{fields.prefix}integer", "belongs to search_range")
    usual = list(entry.values) if entry else None
    if usual is None and "search_values" not in fields.data and "replace_config" in fields.data:
        fields.issues.add(f"{fields.prefix}search_values", "is needed (or search_range)",
                            hint="List the values to try.")
    values = fields.take("search_values", usual, a_list,
                         hint="List the values to try, such as [0.1, 0.01].")
    if not values or not _check_values(fields, values, entry=entry, numeric=numeric):
        return None
    if "log" in fields.data and log and not (all(map(is_number, values)) and min(values) >= 0):
        fields.issues.add(f"{fields.prefix}log", "needs values that are numbers, 0 or more",
                          show(values))
        return None
    return Choice(name, tuple(values), log=log and all(map(is_number, values)))


def _check_values(fields: Fields, values: list, *, entry: Entry | None, numeric: bool) -> bool:
    """Add what is wrong with ``values``; True when nothing is."""
    before = len(fields.issues)
    for i, value in enumerate(values):
        where = f"{fields.prefix}search_values.{i}"
        rule = entry.check(value) if entry else None
        if numeric and isinstance(value, str):
            rule = "must be a number, as what it replaces in the base config is"
        if value is None and entry is None:
            continue
        if rule:
            fields.issues.add(where, rule, show(value), number_hint(value))
            continue
        canonical = entry.canonical if entry else lambda x: x
        for earlier in values[:i]:
            if not (entry and entry.check(earlier)) and dotpath.same(canonical(earlier),
                                                                     canonical(value)):
                hint = "Take one out." if dotpath.same(earlier,
                                                       value) else f"{earlier!r} says the same."
                fields.issues.add(where, "must differ from the values before it", show(value), hint)
                break
    return len(fields.issues) == before


def _read_range(fields: Fields, name: str, *, entry: Entry | None, log: bool,
                integer: bool) -> Range | None:
    value = fields.data["search_range"]
    where = f"{fields.prefix}search_range"
    if not isinstance(value, list) or len(value) != 2 or not all(map(is_number, value)):
        texts = [part for part in value if isinstance(part, str)] if isinstance(value, list) else []
        fields.issues.add(where, "must be two numbers, [low, high]", show(value),
                            number_hint(texts[0]) if texts else "For example [1e-4, 1e-1].")
        return None
    low, high = value
    rule = next((rule for rule in map(entry.check, value) if rule), None) if entry else None
    if not low < high:
        rule = "low < high must hold"
    elif rule is None and log and low <= 0:
        rule = "a range on a logarithmic axis starts above 0"
    elif rule is None and integer and not (float(low).is_integer() and float(high).is_integer()):
        rule = "the ends of an integer range must be whole numbers"
    if rule:
        hint = "Write 'log: False' for a linear axis." if "logarithmic" in rule else ""
        fields.issues.add(where, rule, show(value), hint)
        return None
    return Range(name, *(map(int, value) if integer else map(float, value)), log=log,
                 integer=integer)


def _try_out(key: SearchKey, base_config: dict, *, where: str, issues: ValidationIssues) -> None:
    """Edit a copy of the base config with every value, so that what cannot be edited shows before training."""
    hyperparameter = key.hyperparameter
    values: tuple[Any, ...] = (hyperparameter.values if isinstance(hyperparameter, Choice)
                               else (hyperparameter.low, hyperparameter.high))
    for value in values[:100]:
        try:
            apply_point(base_config, [key], {key.name: value})
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            issues.add(where, f"{key.name}={value!r} cannot be put into the base config",
                       str(error) or repr(error), f"It edits {', '.join(key.edits)}.")
            return
