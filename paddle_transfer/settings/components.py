"""Annotations of the search file's keys that name a registered part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from paddle_transfer.config.rules import broken
from paddle_transfer.config.validation import Options, component
from paddle_transfer.registry import Component, Registry, UnknownName


def options_of(registry: Registry[Any], name: str) -> type[Options]:
    """The model of the options of the part ``name``."""
    options: type[Options] = registry[name].options
    return options


@dataclass(frozen=True)
class PartOf:
    """``NAME`` or ``{name: NAME, OPTION: ...}`` of ``registry``, read as a ``Component``.

    :param words: names that need no options, for the message; ``none`` among them is no part
    :param example: for hints
    :param ours: names of this package, for the JSON Schema; by default those built in
    """

    registry: Registry[Any]
    words: tuple[str, ...]
    example: str
    ours: tuple[str, ...] = ()

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler
                                     ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._read)

    def _read(self, value: object) -> Component | None:
        if isinstance(value, str) and value.strip():
            value = {"name": value.strip()}
        if value is None or ("none" in self.words and str(value).lower() == "{'name': 'none'}"):
            return None if value is None else Component("none")
        try:
            return component(value, self.registry.kind, self.registry,
                             lambda name: options_of(self.registry, name), words=self.words,
                             example=self.example)
        except UnknownName as error:  # a module:attribute that cannot be imported, or is no part
            raise broken(str(error)) from error

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler
                                     ) -> dict[str, Any]:
        """Other packages may register more names; the options of ours are known."""
        ours, rules = self.ours or self.registry.builtin, []
        for name in ours:
            options = options_of(self.registry, name).model_json_schema()
            then = {"properties": {"name": {}, **options.get("properties", {})},
                    "required": options.get("required", []), "additionalProperties": False}
            rules.append({"if": {"properties": {"name": {"const": name}}}, "then": then})
        mapping = {"type": "object", "properties": {"name": open_enum(ours)}, "required": ["name"],
                   "allOf": rules}
        return {"anyOf": [open_enum(self.words), mapping, {"type": "null"}]}


def open_enum(names: tuple[str, ...]) -> dict[str, Any]:
    """One of ``names``, which an editor offers, or another text."""
    return {"anyOf": [{"enum": list(names)}, {"type": "string"}]}
