"""Checks data against a JSON Schema: the keywords that our schema uses, and no other."""

from __future__ import annotations

import re
from typing import Any

_TYPES: dict[str, Any] = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list,
    "object": dict, "null": type(None)}
_SILENT = {"$schema", "$defs", "title", "description", "default", "markdownDescription"}


def mistakes(value: Any, schema: dict[str, Any], root: dict[str, Any] | None = None,
             where: str = "") -> list[str]:
    """The paths in ``value`` that break ``schema``, each with the keyword."""
    root = schema if root is None else root
    found: list[str] = []
    for keyword, limit in schema.items():
        if keyword in _SILENT or keyword in ("then", "else", "additionalProperties"):
            continue
        if keyword == "$ref":
            target: Any = root
            for part in limit.removeprefix("#/").split("/"):
                target = target[part]
            found += mistakes(value, target, root, where)
        elif keyword == "anyOf":
            if all(mistakes(value, one, root, where) for one in limit):
                found.append(f"{where}: anyOf")
        elif keyword == "allOf":
            found += [one for part in limit for one in mistakes(value, part, root, where)]
        elif keyword == "if":
            if not mistakes(value, limit, root, where):
                found += mistakes(value, schema["then"], root, where)
        elif keyword == "properties":
            for name in value if isinstance(value, dict) else ():
                if name in limit:
                    found += mistakes(value[name], limit[name], root, f"{where}.{name}".strip("."))
        elif keyword == "items":
            for i, item in enumerate(value if isinstance(value, list) else ()):
                found += mistakes(item, limit, root, f"{where}.{i}")
        elif not _holds(keyword, limit, value):
            found.append(f"{where}: {keyword}")
    if schema.get("additionalProperties") is False and isinstance(value, dict):
        found += [f"{where}.{name}".strip(".") + ": additionalProperties"
                  for name in value if name not in schema.get("properties", {})]
    return found


def _holds(keyword: str, limit: Any, value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if keyword == "type":
        kinds = limit if isinstance(limit, list) else [limit]
        return any(isinstance(value, _TYPES[kind]) and not (
            kind in ("integer", "number") and isinstance(value, bool)) for kind in kinds)
    if keyword in ("enum", "const"):
        return value in (limit if keyword == "enum" else [limit])
    if keyword == "required":
        return not isinstance(value, dict) or set(limit) <= value.keys()
    if keyword == "pattern":
        return not isinstance(value, str) or re.search(limit, value) is not None
    if keyword in ("minimum", "maximum", "exclusiveMinimum"):
        return not number or {"minimum": value >= limit, "maximum": value <= limit,
                              "exclusiveMinimum": value > limit}[keyword]
    if keyword in ("minItems", "maxItems"):
        size = len(value) if isinstance(value, list) else None
        return size is None or (size >= limit if keyword == "minItems" else size <= limit)
    if keyword == "minProperties":
        return not isinstance(value, dict) or len(value) >= limit
    if keyword == "uniqueItems":
        return not isinstance(value, list) or len({repr(item) for item in value}) == len(value)
    raise AssertionError(f"{keyword} is not known here")
