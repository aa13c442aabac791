"""``when`` of the items of search_dict: the values of other keys with which a key is active."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from paddle_transfer.errors import did_you_mean, show
from paddle_transfer.settings.reading import Reading
from paddle_transfer.settings.schema import SearchItem
from paddle_transfer.space.hyperparameter import Choice, Condition, Value
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.strategies.untrained import is_of_training, trains_network


def read_conditions(reading: Reading, items: Sequence[SearchItem], keys: Mapping[str, SearchKey],
                    places: Mapping[str, int]) -> list[SearchKey]:
    """``keys`` with their conditions: ``when``, and for a key that refines another one
    (randaugment_magnitude) that the other one is enabled.

    :param places: of the keys in ``items``
    """
    made, written = [], {item.search_key for item in items}
    for key in keys.values():
        where, when = f"search_dict.{places[key.name]}.when", _implied(reading, key, keys, places)
        given = items[places[key.name]].when
        for name, values in given.items():
            if name in written and name not in keys:
                continue  # that key has a mistake of its own
            condition = _condition(reading, name, values, key=key, keys=keys, where=where)
            when += (condition,) if condition else ()
        when += () if reading.uses_stages else _with_training(key, keys)
        made.append(replace(key, hyperparameter=replace(key.hyperparameter, condition=when)))
    parents = {key.name: [parent for parent, _ in key.hyperparameter.condition] for key in made}
    for name in _circular(parents):
        reading.issues.add(f"search_dict.{places[name]}.when", "must not lead back to the key "
                           "itself", repr(name))
    return made


def _implied(reading: Reading, key: SearchKey, keys: Mapping[str, SearchKey],
             places: Mapping[str, int]) -> Condition:
    if key.entry is None:
        return ()
    nearer, refines = key.entry.nearer or ("", None)
    name, refines = (nearer, refines) if nearer in keys else (
        key.entry.parent or "", key.entry.active_with)
    parent = keys.get(name)
    if parent is None or parent.entry is None or not isinstance(parent.hyperparameter, Choice):
        return ()
    entry = parent.entry
    on = tuple(value for value in parent.hyperparameter.values if (
        refines(value) if refines else not entry.is_disabled(value)))
    if not on and refines:
        reading.issues.add(f"search_dict.{places[key.name]}.search_key", f"{key.name} "
                           f"({key.entry.meaning}) has no value of {parent.name} to refine",
                           show(list(parent.hyperparameter.values)), "Add one, or take it out.")
    return ((parent.name, on),) if len(on) < parent.hyperparameter.size else ()


def _with_training(key: SearchKey, keys: Mapping[str, SearchKey]) -> Condition:
    """Keys about the training of a network are active with the strategies that train one."""
    strategy = keys.get("strategy")
    if (strategy is None or strategy.entry is None or key is strategy
            or not isinstance(strategy.hyperparameter, Choice)
            or not all(is_of_training(path) for path in key.edits)):
        return ()
    values = strategy.hyperparameter.values
    on = tuple(value for value in values if trains_network(value))
    return (("strategy", on),) if 0 < len(on) < len(values) else ()


def _condition(reading: Reading, name: str, values: object, *, key: SearchKey,
               keys: Mapping[str, SearchKey], where: str) -> tuple[str, tuple[Value, ...]] | None:
    issues = reading.issues
    if name not in keys or name == key.name:
        others = [other for other in keys if other != key.name]
        issues.add(where, "must name another search_key of this search_dict", repr(name),
                   did_you_mean(name, others))
        return None
    given = values if isinstance(values, list) else [values]
    parent = keys[name].hyperparameter
    for value in given:
        if not parent.contains(value):
            among = (list(parent.values) if isinstance(parent, Choice)
                     else f"{parent.low}..{parent.high}")
            issues.add(f"{where}.{name}", "must be among the values that are searched",
                       show(value), f"They are {among}.")
    if not given:
        issues.add(f"{where}.{name}", "must have a value: the key would never matter",
                   "an empty list")
    return name, tuple(given)


def _circular(parents: Mapping[str, Sequence[str]]) -> list[str]:
    """The names from which a chain of conditions leads back to themselves."""
    def reaches_itself(name: str) -> bool:
        seen: set[str] = set()
        ahead = [name]
        while ahead:  # each name once: there may be many ways from one to another
            found = [parent for parent in parents.get(ahead.pop(), ()) if parent not in seen]
            seen.update(found)
            ahead += found
        return name in seen

    return [name for name in parents if reaches_itself(name)]
