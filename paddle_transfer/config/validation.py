"""Reading what a person wrote with pydantic models: all mistakes at once, as ``ValidationIssue`` s.

A field says in its annotation what it takes, and pydantic's JSON Schema follows from it::

    class Search(Section):
        workers: Annotated[int, whole(1)] = 1

Every model tells of its mistakes by rule, found and hint (errors of type ``issue``), in a field of
another model as well. No other place translates pydantic's errors.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import CoreSchema, ErrorDetails, InitErrorDetails, PydanticCustomError
from typing_extensions import Self

from paddle_transfer import dotpath
from paddle_transfer.config.rules import Rule, broken, number_hint
from paddle_transfer.errors import ValidationIssue, did_you_mean, show
from paddle_transfer.registry import Component, Registry

M = TypeVar("M", bound="Options")


class ValidationIssues(list[ValidationIssue]):
    """A list of ``ValidationIssue`` with a short way to add one."""

    def add(self, where: str, rule: str, found: str = "", hint: str = "") -> None:
        self.append(ValidationIssue(where, rule, found, hint))


class Options(BaseModel):
    """The options of a registered part, a field each. Parts that take none have this class."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    #: Fields of a ``Section`` that must be given, each with a hint. They have a default all the
    #: same, for what is left of a mapping with mistakes.
    required: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="wrap")
    @classmethod
    def _explain(cls, data: object, handler: ModelWrapValidatorHandler[Self],
                 info: ValidationInfo) -> Self:
        """Every error becomes one of type ``issue``; missing fields come last."""
        found: list[InitErrorDetails] = []
        try:
            made = handler(data)
        except ValidationError as error:
            details = sorted(error.errors(), key=lambda one: one["type"] == "missing")
            name = (info.context or {}).get("name", cls.__name__)
            found = [_detail(one["loc"], one["input"], cls._issue(one, name)) for one in details]
        if isinstance(data, dict) and not (info.context or {}).get("partial"):
            strange = [str(key) for key in data if key not in cls.model_fields]
            found += [_detail((key,), data, ValidationIssue("", "is needed", "nothing there", hint))
                      for key, hint in cls.required.items() if key not in data
                      and not did_you_mean(key, strange).startswith("Did")]
        if found:
            raise ValidationError.from_exception_data(cls.__name__, found)
        return made

    @classmethod
    def _issue(cls, error: ErrorDetails, name: str) -> ValidationIssue:
        """:param name: of the registered part"""
        key, value, told = error["loc"][-1:], error["input"], error.get("ctx", {})
        if error["type"] == "issue":
            return ValidationIssue("", told["rule"], told["found"], told["hint"])
        if error["type"] == "extra_forbidden":
            return cls._unknown(str(key[0]), value, name)
        if error["type"] == "missing":
            rules = (one for one in cls.model_fields[str(key[0])].metadata if isinstance(one, Rule))
            must = next((rule.text for rule in rules), "").removeprefix("must be ")
            return ValidationIssue("", f"{name} needs it" + (f": {must}" if must else ""))
        if error["type"] != "rule":
            rule = error["msg"].replace("Input should be", "must be")
            return ValidationIssue("", rule, show(value), number_hint(value))
        hint, found = told["hint"], told.get("found")
        known = cls.model_fields.get(str(key[0])) if len(error["loc"]) == 1 else None
        if value is None and known is not None and found is None:
            hint = hint or f"Give a value, or leave the line out (then it is {known.default!r})."
            return ValidationIssue("", "must not be empty", "nothing", hint)
        if not hint and told.get("names") and isinstance(value, str):
            hint = did_you_mean(value, told["names"])
        elif not hint and "number" in told["rule"]:
            hint = number_hint(value)
        return ValidationIssue("", told["rule"], show(value) if found is None else found, hint)

    @classmethod
    def _unknown(cls, key: str, value: object, name: str) -> ValidationIssue:
        hint = did_you_mean(key, list(cls.model_fields))
        if issubclass(cls, Section):
            return ValidationIssue("", "unknown key", repr(key), hint)
        rule = f"is no argument of {name}"
        return ValidationIssue("", rule, show(value), hint or f"{name} takes none.")


class Section(Options):
    """A mapping in a file that a person wrote."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler
                                     ) -> dict[str, Any]:
        made = handler.resolve_ref_schema(handler(schema))
        if cls.required:
            made["required"] = list(cls.required)
            for key in cls.required:
                made["properties"][key].pop("default", None)
        return made


def _detail(loc: tuple[int | str, ...], value: object, issue: ValidationIssue) -> InitErrorDetails:
    told = {"rule": issue.rule, "found": issue.found, "hint": issue.hint}
    return InitErrorDetails(type=PydanticCustomError("issue", "{rule}", told), loc=loc, input=value)


def issues_of(error: ValidationError, where: str = "") -> ValidationIssues:
    """``error`` of a model of this module as issues.

    :param where: the dotted path of what was read
    """
    issues = ValidationIssues()
    for one in error.errors():
        told, place = one.get("ctx", {}), ".".join(map(str, (*filter(None, [where]), *one["loc"])))
        found = told.get("found")
        issues.add(place, told.get("rule", one["msg"]),
                   show(one["input"]) if found is None else found, told.get("hint", ""))
    return issues


def read(model: type[M], data: Mapping[str, Any], issues: ValidationIssues) -> M:
    """``data`` as a ``model``. Mistakes are added to ``issues``; fields with one have their
    defaults."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        issues += issues_of(error)
        left, places = dotpath.clone(dict(data)), [one["loc"] for one in error.errors()]
    while True:
        assert any(places), f"{model.__name__} has a rule about the whole, which has no default"
        for place in places:
            _leave_out(left, place)
        try:
            return model.model_validate(left, context={"partial": True})
        except ValidationError as error:
            places = [one["loc"][:1] for one in error.errors()]


def _leave_out(data: Any, loc: Sequence[int | str]) -> None:
    """Take out of ``data`` the key nearest to ``loc``; a list's item becomes an empty mapping."""
    steps: list[tuple[Any, Any]] = []
    place: Any = data
    part: Any
    for part in loc:
        steps.append((place, part))
        if not isinstance(place, dict if isinstance(part, str) else (dict, list)) or (
                isinstance(place, dict) and part not in place):
            break
        place = place[part]
    for place, part in reversed(steps):
        if isinstance(place, dict):
            place.pop(part, None)
            return
        if isinstance(place, list) and part == loc[-1]:
            place[part] = {}
            return


def component(value: object, kind: str, known: Collection[str] | Registry[Any],
              options: Callable[[str], type[Options]], *, example: str = "",
              words: Sequence[str] = ()) -> Component:
    """``{name: NAME, OPTION: ...}`` with options that NAME takes.

    :param kind: in words: ``pruner``
    :param known: what NAME may be; it may know more names than it lists
    :param options: of NAME
    :param words: names that need no mapping, for the message
    Raises pydantic's errors, for a validator of a field.
    """
    if not isinstance(value, dict) or not value:
        others = "".join(f"{word}, " for word in words) + ("or " if words else "")
        raise broken(f"must be {others}a mapping with a name", hint=example)
    name = value.get("name")
    issue = None
    if "name" not in value or name is None:
        strange = did_you_mean("name", [str(key) for key in value])
        issue = ValidationIssue("", "is needed", "nothing there",
                                strange if strange.startswith("Did") else example)
    elif not isinstance(name, str) or not name.strip():
        issue = ValidationIssue("", "must be a text", show(name), example)
    elif name not in known:
        closest = did_you_mean(name, list(known))
        article = "an" if kind[0] in "aeiou" else "a"
        issue = ValidationIssue("", f"must be {article} {kind}", show(name), closest)
    if issue:
        raise ValidationError.from_exception_data(kind, [_detail(("name",), name, issue)])
    given = {key: option for key, option in value.items() if key != "name"}
    options(str(name)).model_validate(given, context={"name": name})
    return Component(str(name), dotpath.clone(given))
