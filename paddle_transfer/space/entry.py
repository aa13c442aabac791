"""A named hyperparameter, and the small checks of values that entries share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from paddle_transfer.space.hyperparameter import Value, is_number, value_key

#: The oldest PaddleClas whose training engine is supported.
OLDEST = "2.4"

#: value -> the rule that it breaks, or None
Check = Callable[[Value], str | None]


@dataclass(frozen=True)
class Entry:
    """A hyperparameter that a search file can name without saying which config keys it sets.

    :param meaning: one line, for the documentation
    :param values: the usual choices, for a search file that gives none
    :param check: value -> the rule that it breaks, or None
    :param apply: edits a config in place; called with (config, canonical value)
    :param edits: the dotted paths that may change, for the documentation
    :param source: where the usual choices come from
    :param log: whether numbers are searched on a logarithmic axis by default
    :param check_requirements: base config -> what it lacks for this hyperparameter, or None
    :param canonical: value -> the one spelling of all equal values (True -> 0.1), so that no
        training is done twice
    :param stage: entries are applied in rising stages, and in the search file's order within one:
        -1 what others build upon (epochs, optimizer, schedule), 0 most, 1 what refines others
    :param since: the first PaddleClas that has it; a value that disables it works with all
    :param since_values: as ``since``, for single values
    :param parent: the hyperparameter that it refines; it is inactive where that one is searched
        and disabled
    :param active_with: the values of the parent that it refines; None: all that do not disable it
    :param nearer: (hyperparameter, its values that this one refines): where it is searched, it
        stands in the place of the parent, which is its parent
    :param device: the only kind of device on which it has an effect, or None
    """

    name: str
    meaning: str
    values: tuple[Value, ...]
    check: Check
    apply: Callable[[dict[str, Any], Value], None]
    edits: tuple[str, ...]
    source: str
    log: bool = False
    check_requirements: Callable[[dict[str, Any]], str | None] = lambda _: None
    canonical: Callable[[Value], Value] = lambda value: value
    stage: int = 0
    since: str = OLDEST
    since_values: Mapping[Value, str] = field(default_factory=dict)
    parent: str | None = None
    active_with: Callable[[Value], bool] | None = None
    nearer: tuple[str, Callable[[Value], bool]] | None = None
    device: str | None = None

    def is_disabled(self, value: Value) -> bool:
        """Whether ``value`` means that the hyperparameter's method is not used."""
        return value_key(self.canonical(value)) in ("0", "false", "null")

    def since_value(self, value: Value) -> str:
        """The first PaddleClas that supports ``value``."""
        if self.is_disabled(value):
            return OLDEST
        hashable = isinstance(value, (str, int, float))
        return self.since_values.get(value, self.since) if hashable else self.since


def switch(on: Value) -> Callable[[Value], Value]:
    """A function: False -> 0.0, True -> ``on``, any other value -> itself."""
    return lambda value: on if value is True else 0.0 if value is False else value


def number(rule: str, fits: Callable[[float], bool], *, boolean: bool = False) -> Check:
    """A check for a number that ``fits``, or (with ``boolean``) True or False."""
    def check(value: Value) -> str | None:
        fine = (boolean and isinstance(value, bool)) or (is_number(value) and fits(value))
        return None if fine else rule
    return check


def whole(low: int, high: int | None = None) -> Check:
    """A check for a whole number from ``low`` to ``high``."""
    limits = f", {low} or more" if high is None else f" from {low} to {high}"
    return number(f"must be a whole number{limits}",
                  lambda x: float(x).is_integer() and x >= low and (high is None or x <= high))


def one_of(*values: Value) -> Check:
    """A check for one of ``values``."""
    rule, keys = f"must be one of {', '.join(map(str, values))}", {*map(value_key, values)}
    return lambda value: None if value_key(value) in keys else rule
