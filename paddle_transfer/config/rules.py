"""What a field of a pydantic model takes, as annotations: each is a rule in words and a schema.

``validation`` makes a ``ValidationIssue`` of a broken one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from paddle_transfer.errors import show


@dataclass(frozen=True)
class Rule:
    """What a field must be. Whatever is wrong with it is told as this rule.

    :param text: the rule: ``must be a text``
    :param hint: what to do; else the closest of ``names``, or how to write a number
    :param names: the words that are allowed, if the field is one of some words
    :param schema: of the value; None: what pydantic makes of the field's type
    """

    text: str
    hint: str = ""
    names: tuple[str, ...] = ()
    schema: CoreSchema | None = field(default=None, compare=False)

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler
                                     ) -> CoreSchema:
        return core_schema.custom_error_schema(
            self.schema or handler(source), "rule", custom_error_message="{rule}",
            custom_error_context={"rule": self.text, "hint": self.hint, "names": self.names})


def whole(low: int, high: int | None = None, *, hint: str = "") -> Rule:
    """A whole number from ``low`` to ``high``, both included."""
    end = "or more" if high is None else f"to {high}"
    schema = core_schema.int_schema(strict=True, ge=low, le=high)
    return Rule(f"must be a whole number, {low} {end}", hint, schema=schema)


def above_zero(unit: str) -> Rule:
    """A finite number of ``unit`` above 0."""
    schema = core_schema.float_schema(strict=True, gt=0, allow_inf_nan=False)
    return Rule(f"must be a number of {unit} above 0", schema=schema)


def one_of(*names: str, hint: str = "") -> Rule:
    """One of ``names``, in any case; it is read as ``names`` has it."""
    spelling = {name.lower(): name for name in names}
    schema = core_schema.no_info_before_validator_function(
        lambda value: spelling.get(value.lower(), value) if isinstance(value, str) else value,
        core_schema.literal_schema(list(names)))
    return Rule(f"must be one of {', '.join(names)}", hint, names, schema)


#: A text that is not blank.
TEXT = Rule("must be a text", schema=core_schema.str_schema(strict=True, pattern=r"\S"))
YES_NO = Rule("must be True or False", schema=core_schema.bool_schema(strict=True))


@dataclass(frozen=True)
class Filled:
    """A list or a mapping that is not empty; what it holds has its own rules.

    :param kind: ``list`` or ``dict``
    :param rule: else ``must be a list with at least one item`` or the like
    :param empty: it may be empty after all
    """

    kind: type
    hint: str = ""
    rule: str = ""
    empty: bool = False

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler
                                     ) -> CoreSchema:
        inner = handler(source)
        if inner["type"] == "tuple":  # of a list, in a model that is strict
            inner = {**inner, "strict": False}
        return core_schema.no_info_before_validator_function(self._check, inner)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler
                                     ) -> dict[str, Any]:
        least = {} if self.empty else {"minItems" if self.kind is list else "minProperties": 1}
        return {**handler(schema), **least}

    def _check(self, value: object) -> object:
        if isinstance(value, self.kind) and (value or self.empty):
            return value
        what = "list with at least one item" if self.kind is list else (
            "mapping with at least one key")
        found = show(value) if self.rule else None
        raise broken(self.rule or f"must be a {what}", found, self.hint)


def broken(rule: str, found: str | None = None, hint: str = "") -> PydanticCustomError:
    """What a validator of a field raises when the field breaks ``rule``."""
    return PydanticCustomError("rule", "{rule}", {"rule": rule, "hint": hint, "found": found})


def number_hint(value: object) -> str:
    """What to do about a string where a number was wanted; empty for anything else."""
    if not isinstance(value, str):
        return ""
    for text in (value, value.replace(",", ".")):
        try:
            whole = text.strip().lstrip("+-").isdecimal()
            return (f"YAML read a string; write {float(text):g}, a number without quotes"
                    f"{'' if whole else ' and with a decimal point'}.")
        except ValueError:
            continue
    return "YAML read a string; write a number such as 0.01 or 1e-2."
