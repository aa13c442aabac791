"""YAML files, and overrides from the command line, as plain dicts and lists. Never imports ppcls, never evaluates.

YAML 1.1 reads ``1e-3`` (no dot) as a string, and so does PaddleClas inside lists. Here it is a number, and what is
written is read as a number by every YAML reader (``1.0e-03``).
"""

from __future__ import annotations

import difflib
import os
import re
import tempfile
from collections.abc import Iterable
from typing import Any

import yaml

from paddle_transfer import dotpath
from paddle_transfer.errors import ConfigError, ValidationIssue, did_you_mean, show

#: The order in which PaddleClas's own configs write their sections.
SECTIONS = ("Global", "AMP", "Arch", "Loss", "Optimizer", "DataLoader", "Infer", "Metric")

#: Sections that some have besides; Transfer (config/transfer.py) and FineTune (worker/finetune.py) are ours.
RARE_SECTIONS = ("EMA", "Slim", "SSL", "UnLabelLoss", "MLDecoder", "Transfer", "FineTune")

_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)[eE][-+]?[0-9]+$")
_DATE = "tag:yaml.org,2002:timestamp"


def _resolvers(base: type, *, dates: bool) -> dict:
    """``base``'s rules for what a plain word is, with 1e-3 a number and, without ``dates``, 2026-11-01 a string."""
    rules = {first: [rule for rule in known if dates or rule[0] != _DATE]
             for first, known in base.yaml_implicit_resolvers.items()}
    for first in "-+.0123456789":
        rules[first] = [*rules.get(first, []), ("tag:yaml.org,2002:float", _FLOAT)]
    return rules


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    yaml_implicit_resolvers = _resolvers(yaml.SafeLoader, dates=False)

    def __init__(self, stream):
        super().__init__(stream)
        self.issues: list[ValidationIssue] = []

    def construct_mapping(self, node, deep=False):
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.ScalarNode) and key_node.tag != "tag:yaml.org,2002:merge":
                line = key_node.start_mark.line + 1
                if key_node.value in seen:
                    found = f"'{key_node.value}' here and on line {seen[key_node.value]}"
                    self.issues.append(
                        ValidationIssue(f"line {line}", "a key may stand only once in a mapping",
                                        found, "Keep one of them."))
                seen[key_node.value] = line
        return super().construct_mapping(node, deep=deep)


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers = _resolvers(yaml.SafeDumper,
                                         dates=True)  # quotes what other readers take for one

    def ignore_aliases(self, data):
        return True

    def increase_indent(self, flow=False, indentless=False):
        return super().increase_indent(flow, False)


def _represent_list(dumper: yaml.SafeDumper, data: list) -> yaml.Node:
    plain = not any(isinstance(item, (list, dict)) for item in data)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=plain)


_Dumper.add_representer(list, _represent_list)


def load_yaml(path: str) -> dict:
    """The mapping in the YAML file ``path``, as plain dicts and lists that share nothing.

    Raises ConfigError: no such file, not UTF-8, a syntax error (with line and column), duplicate keys (all of
    them), an empty file, something else than a mapping.
    """
    try:
        with open(path, encoding="utf-8-sig") as stream:
            text = stream.read()
    except OSError as error:
        raise ConfigError(path, [
            ValidationIssue("", "the file must be readable", error.strerror or str(error),
                            "Check the path; it is relative to the current directory.")
        ]) from None
    except UnicodeDecodeError as error:
        raise ConfigError(path, [
            ValidationIssue("", "the file must be UTF-8 text",
                            f"byte {error.object[error.start]:#x} at "
                            f"offset {error.start}", "Save it as UTF-8.")
        ]) from None
    data = _parse(text, path)
    if data is None:
        raise ConfigError(
            path, [ValidationIssue("", "the file must hold a mapping", "nothing", "It is empty.")])
    if not isinstance(data, dict):
        raise ConfigError(path, [
            ValidationIssue("", "the file must hold a mapping", show(data),
                            "Write 'key: value' lines.")
        ])
    return data


def _parse(text: str, path: str) -> Any:
    try:
        loader = _Loader(text)
        try:
            data = dotpath.clone(loader.get_single_data())
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise ConfigError(path, [_syntax_mistake(error, text)]) from None
    except RecursionError:
        raise ConfigError(path,
                          [ValidationIssue("", "a YAML anchor must not contain itself")]) from None
    if loader.issues:
        raise ConfigError(path, loader.issues)
    return data


def _syntax_mistake(error: yaml.YAMLError, text: str) -> ValidationIssue:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    rule = "it must be valid YAML: " + (getattr(error, "problem", None)
                                        or str(error).splitlines()[0])
    if mark is None:
        return ValidationIssue("", rule)
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else "the end of the file"
    hint = ("Indent with spaces, not with tabs." if "\t" in line else
            "Look at this line and the one before it: an indent, a bracket, a quote or a colon.")
    return ValidationIssue(f"line {mark.line + 1}, column {mark.column + 1}", rule,
                           repr(line.strip()), hint)


def parse_value(text: str) -> Any:
    """One value as YAML (``None`` is nothing, as in PaddleClas's options). Raises ConfigError."""
    return None if text.strip() == "None" else _parse(text, text)


def parse_override(option: str) -> tuple[str, Any]:
    """``key.path=value`` -> (path, value); everything after the first ``=`` is the value. Raises ConfigError."""
    path, equals, text = option.partition("=")
    path = path.strip()
    if not equals or not path or not all(path.split(".")):
        raise ConfigError("command line", [
            ValidationIssue(f"-o {option}", "an override reads key=value", "",
                            "For example -o Global.epochs=5.")
        ])
    try:
        return path, parse_value(text)
    except ConfigError as error:
        raise ConfigError("command line", [
            ValidationIssue(f"-o {option}", "the value must be valid YAML", repr(text),
                            error.issues[0].rule)
        ]) from None


def apply_overrides(data: dict, overrides: Iterable[str]) -> dict:
    """A copy of ``data`` with each ``key.path=value`` put in; keys that are not there yet are made.

    Raises ConfigError with all that cannot be put in (an index past the end of a list, a path through a number,
    a new key that is one slip away from one that is there, a section that PaddleClas does not have).
    """
    data, issues = dotpath.clone(data), []
    for option in overrides:
        try:
            path, value = parse_override(option)
            meant, section = _slip(data, path), path.partition(".")[0]
            if section[:1].isupper() and section not in (*data, *SECTIONS, *RARE_SECTIONS):
                issues.append(
                    ValidationIssue(f"-o {option}", "PaddleClas has no such section", section,
                                    did_you_mean(section, SECTIONS)))
            elif meant:
                rule = "a new key must not be one slip away from one that is there"
                issues.append(
                    ValidationIssue(f"-o {option}", rule, path, f"Did you mean '{meant}'?"))
            else:
                dotpath.set_(data, path, value, create=True)
        except ConfigError as error:
            issues += error.issues
        except dotpath.PathError as error:
            hint = f"It has: {', '.join(error.known)}." if error.known else "It holds a single value."
            issues.append(
                ValidationIssue(f"-o {option}", f"'{error.reached}' has no such part", "", hint))
    if issues:
        raise ConfigError("command line", issues)
    return data


def _slip(data: dict, path: str) -> str:
    """The path that was probably meant, when ``path`` is not there but almost is (Global.epoch); else ""."""
    if "." not in path:
        return ""
    try:
        dotpath.get(data, path)
    except dotpath.PathError as error:
        at = len(error.reached.split(".")) if error.reached else 0
        parts = path.split(".")
        close = difflib.get_close_matches(
            parts[at], [key for key in error.known if not key.isdecimal()], 1, 0.85)
        return ".".join([*parts[:at], close[0], *parts[at + 1:]]) if close else ""
    return ""


def dump_text(data: dict) -> str:
    """``data`` as YAML: sections in PaddleClas's order with a blank line between, lists of words on one line."""
    ordered = [
        *(key for key in SECTIONS if key in data), *(key for key in data if key not in SECTIONS)
    ]
    blocks = [
        yaml.dump({key: data[key]}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
        for key in ordered
    ]
    nested = any(isinstance(data[key], dict) for key in ordered)
    return ("\n" if nested else "").join(blocks)


def dump_yaml(data: dict, path: str, *, header: str = "") -> None:
    """Write ``data`` to ``path``; either the whole new file is there afterwards or the old one still is.

    :param header: lines that stand above it as comments
    """
    comment = "".join(f"# {line}".rstrip() + "\n" for line in header.splitlines())
    write_atomic(path, comment + dump_text(data))


def write_atomic(path: str, text: str) -> None:
    """Write a text file by temporary file, fsync and rename."""
    folder = os.path.dirname(os.path.abspath(path))
    handle, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
