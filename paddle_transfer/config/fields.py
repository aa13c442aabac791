"""Reading the fields of one mapping one by one (until every reader is a model of validation.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from paddle_transfer.config.rules import number_hint
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import did_you_mean, show

Check = Callable[[Any], str | None]


class Fields:
    """The fields of one mapping, taken one by one.

    :param data: the mapping
    :param issues: where broken rules are added
    :param prefix: the dotted path of the mapping, with its last dot
    """

    def __init__(self, data: dict, issues: ValidationIssues, prefix: str = ""):
        self.data, self.issues, self.prefix = data, issues, prefix
        self._known: tuple[str, ...] = ()

    def unknown(self, known: Sequence[str], greedy: Iterable[str] = ()) -> None:
        """Add a mistake for every key that is not ``known``; ``greedy`` are words that only the greedy search has."""
        self._known = tuple(known)
        for key in self.data:
            if key in greedy:
                self.issues.add(f"{self.prefix}{key}",
                                "belongs to search_mode greedy, PaddleClas's own search",
                                hint="Take it out, or write search_mode: greedy.")
            elif key not in known:
                self.issues.add(f"{self.prefix}{key}", "unknown key", repr(key),
                                did_you_mean(key, known))

    def misspelt(self, key: str) -> bool:
        """Whether some key of the mapping that nobody knows was probably meant to be ``key``."""
        strange = [str(other) for other in self.data if other not in self._known]
        return did_you_mean(key, strange).startswith("Did")

    def take(self, key: str, default: Any, check: Check, *, empty: bool = False,
             hint: str = "") -> Any:
        """The value of ``key`` if it passes ``check``, else ``default``.

        :param empty: whether nothing (null) stands for the default
        """
        if key not in self.data or empty and self.data[key] is None:
            return default
        value = self.data[key]
        if value is None:
            self.issues.add(
                f"{self.prefix}{key}", "must not be empty", "nothing", hint
                or f"Give a value, or leave the line out (then it is {default!r}).")
            return default
        rule = check(value)
        if rule is None:
            return value
        self.issues.add(f"{self.prefix}{key}", rule, show(value), hint or _hint(check, rule, value))
        return default


def _hint(check: Check, rule: str, value: Any) -> str:
    names = getattr(check, "names", ())
    if names and isinstance(value, str):
        return did_you_mean(value, names)
    return number_hint(value) if "number" in rule else ""


def whole(low: int, *, high: int | None = None) -> Check:
    """Passes whole numbers from ``low`` to ``high``, both included."""
    def check(value: Any) -> str | None:
        fine = isinstance(value, int) and not isinstance(value, bool) and value >= low
        end = "or more" if high is None else f"to {high}"
        return None if fine and (high is None
                                 or value <= high) else f"must be a whole number, {low} {end}"
    return check


def one_of(*names: str) -> Check:
    """Passes the ``names``, in any case."""
    lower = [name.lower() for name in names]

    def check(value: Any) -> str | None:
        return None if str(value).lower() in lower else f"must be one of {', '.join(names)}"
    check.names = names
    return check


def boolean(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be True or False"


def text(value: Any) -> str | None:
    return None if isinstance(value, str) and value.strip() else "must be a text"


def mapping(value: Any) -> str | None:
    return None if isinstance(value, dict) and value else "must be a mapping with at least one key"


def a_list(value: Any) -> str | None:
    return None if isinstance(value, list) and value else "must be a list with at least one item"


def seconds(value: Any) -> str | None:
    fine = isinstance(value,
                      (int, float)) and not isinstance(value, bool) and 0 < value < float("inf")
    return None if fine else "must be a number of seconds above 0"
