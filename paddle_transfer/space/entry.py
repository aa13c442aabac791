"""What one hyperparameter of the catalogue is, and the small checks that entries share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from paddle_transfer.space.hyperparameter import Value, is_number, value_key

#: The oldest PaddleClas whose training engine is supported.
OLDEST = "2.4"


def _nothing(*_: Any) -> None:
    return None


@dataclass(frozen=True)
class Entry:
    """One named hyperparameter.

    :param meaning: one line, for the documentation
    :param values: the usual choices, used when a search file gives none
    :param log: whether its numbers are searched on a logarithmic axis unless the search file says otherwise
    :param check: value -> the rule that it breaks, or None
    :param apply: edits a config in place; called with (config, value)
    :param edits: the dotted paths that may change, for the documentation
    :param source: where the usual choices come from
    :param needs: base config -> what it lacks for this hyperparameter, or None
    :param canonical: value -> another spelling of the same (True -> 0.1), so that no training is done twice
    :param stage: keys are applied in rising stages, and in the search file's order within one: -1 what others build
        upon (epochs, optimizer, schedule), 0 most, 1 what refines or combines what others made
    :param since: the first PaddleClas that has it; :param since_values: the same for single values. A value that
        switches it off works with every one
    :param of: the key that it refines; while that one is searched and off, this one is inactive
    :param device: the only kind of device on which it changes anything, or None
    """

    name: str
    meaning: str
    values: tuple[Value, ...]
    check: Callable[[Value], str | None]
    apply: Callable[[dict, Value], None]
    edits: tuple[str, ...]
    source: str
    log: bool = False
    needs: Callable[[dict], str | None] = _nothing
    canonical: Callable[[Value], Value] = lambda value: value
    stage: int = 0
    since: str = OLDEST
    since_values: Mapping[Value, str] = field(default_factory=dict)
    of: str | None = None
    device: str | None = None

    def off(self, value: Value) -> bool:
        """Whether ``value`` says that the thing is not used at all."""
        return value_key(self.canonical(value)) in ("0", "false", "null")

    def since_value(self, value: Value) -> str:
        """The first PaddleClas that can do ``value``."""
        if self.off(value):
            return OLDEST
        return self.since_values.get(value, self.since) if isinstance(value,
                                                                      (str, int,
                                                                       float)) else self.since


def older(version: str, than: str) -> bool:
    """Whether PaddleClas ``version`` is older than ``than``; a version that is not known never is."""
    return re.match(r"\d+\.\d+", version) is not None and _numbers(version) < _numbers(than)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def switch(on: Value) -> Callable[[Value], Value]:
    """False -> 0.0, True -> ``on``, anything else -> itself."""
    return lambda value: on if value is True else 0.0 if value is False else value


def number(rule: str, fits: Callable[[float], bool], *,
           boolean: bool = False) -> Callable[[Value], str | None]:
    """A check that wants a number that ``fits``, or (with ``boolean``) True or False."""
    def check(value: Value) -> str | None:
        fine = boolean and isinstance(value, bool) or is_number(value) and fits(value)
        return None if fine else rule
    return check


def whole(low: int, high: int | None = None) -> Callable[[Value], str | None]:
    """A check that wants a whole number from ``low`` (to ``high``)."""
    limits = f", {low} or more" if high is None else f" from {low} to {high}"
    return number(f"must be a whole number{limits}",
                  lambda x: float(x).is_integer() and x >= low and (high is None or x <= high))


def one_of(*values: Value) -> Callable[[Value], str | None]:
    """A check that wants one of ``values``."""
    rule = f"must be one of {', '.join(map(str, values))}"
    return lambda value: None if any(value_key(value) == value_key(mine)
                                     for mine in values) else rule
