"""``when`` of the items of search_dict: under which values of other keys a key matters at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import did_you_mean, show
from paddle_transfer.space.catalog import SearchKey
from paddle_transfer.space.hyperparameter import Choice, Condition


def read_conditions(items: list, keys: list[SearchKey],
                    issues: ValidationIssues) -> list[SearchKey]:
    """``keys`` with their conditions: what ``when`` says, and for a key that refines another one of the catalogue
    (randaugment_magnitude) that this one is on. What is wrong goes into ``issues``."""
    made, by_name = [], {key.name: key for key in keys}
    places = {item.get("search_key"): i for i, item in enumerate(items) if isinstance(item, dict)}
    for key in keys:
        given = items[places[key.name]].get("when", {})
        where = f"search_dict.{places[key.name]}.when"
        when = _implied(key, by_name)
        if not isinstance(given, dict) or "when" in items[places[key.name]] and not given:
            issues.add(where, "must be a mapping of search keys to their values", show(given),
                         "For example when: {randaugment: True}.")
            given = {}
        for name, values in given.items():
            if name in places and name not in by_name:
                continue  # that key has a mistake of its own
            condition = _condition(name, values, key=key, by_name=by_name, where=where,
                                   issues=issues)
            when += (condition,) if condition else ()
        made.append(replace(key, hyperparameter=replace(key.hyperparameter, condition=when)))
    for name in _circular(
        {key.name: [parent for parent, _ in key.hyperparameter.condition] for key in made}):
        issues.add(f"search_dict.{places[name]}.when", "must not lead back to the key itself",
                   repr(name))
    return made


def _implied(key: SearchKey, by_name: dict[str, SearchKey]) -> Condition:
    parent = by_name.get(key.entry.parent) if key.entry and key.entry.parent else None
    if parent is None or parent.entry is None or not isinstance(parent.hyperparameter, Choice):
        return ()
    entry = parent.entry
    on = tuple(value for value in parent.hyperparameter.values if not entry.is_disabled(value))
    return ((parent.name, on),) if len(on) < parent.hyperparameter.size else ()


def _condition(name: Any, values: Any, *, key: SearchKey, by_name: dict[str, SearchKey], where: str,
               issues: ValidationIssues) -> tuple[str, tuple] | None:
    if name not in by_name or name == key.name:
        others = [other for other in by_name if other != key.name]
        issues.add(where, "must name another search_key of this search_dict", repr(name),
                   did_you_mean(name, others))
        return None
    values = values if isinstance(values, list) else [values]
    parent = by_name[name].hyperparameter
    for value in values:
        if not parent.contains(value):
            among = list(parent.values) if isinstance(parent,
                                                      Choice) else f"{parent.low}..{parent.high}"
            issues.add(f"{where}.{name}", "must be among the values that are searched", show(value),
                         f"They are {among}.")
    if not values:
        issues.add(f"{where}.{name}", "must have a value: the key would never matter",
                   "an empty list")
    return name, tuple(values)


def _circular(parents: dict[str, list[str]]) -> list[str]:
    """The names from which a chain of conditions leads back to themselves."""
    def reaches(start: str, name: str, seen: frozenset) -> bool:
        return any(parent == start or parent not in seen and reaches(start, parent, seen | {parent})
                   for parent in parents.get(name, ()))
    return [name for name in parents if reaches(name, name, frozenset())]
