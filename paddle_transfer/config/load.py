"""YAML files, and overrides from the command line, as plain dicts and lists.

Texts are read by ``parse``, bounded by their size. Numbers are written as every YAML reader takes
them (``1.0e-03``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

import yaml

from paddle_transfer import dotpath
from paddle_transfer.config.override_rules import (
    contradiction,
    dropped,
    elsewhere,
    similar_path,
)
from paddle_transfer.config.parse import BYTES, parse, resolvers
from paddle_transfer.config.plain import DEPTH, check_plain
from paddle_transfer.errors import ConfigError, ValidationIssue, did_you_mean, reading, show
from paddle_transfer.files import claim_temporary, read_bytes

#: The order of the sections in PaddleClas's own configs.
SECTIONS = ("Global", "AMP", "Arch", "Loss", "Optimizer", "DataLoader", "Infer", "Metric")

#: Sections of some configs; Transfer and FineTune are this package's own.
RARE_SECTIONS = ("EMA", "Slim", "SSL", "UnLabelLoss", "MLDecoder", "Transfer", "FineTune")

#: How a text of the encoding UTF-16 begins.
UTF_16 = (b"\xff\xfe", b"\xfe\xff")

#: Texts of the values that were written last, by their places and content.
_TEXTS: dict[str, str] = {}
_MOST_TEXTS = 2000
#: Paths that need no quotes, and are too short to be folded.
_PLAIN = re.compile(r"(?=.{3,60}$)[A-Za-z/][\w.-]*(/[\w.-]+)+", re.ASCII)
_SCALARS = yaml.representer.SafeRepresenter()


class _Dumper(yaml.SafeDumper):
    """Quotes strings that another reader takes for a number; writes no anchors."""

    yaml_implicit_resolvers = resolvers(yaml.SafeDumper.yaml_implicit_resolvers, dates=True)

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)


def _represent_list(dumper: yaml.SafeDumper, data: list[Any]) -> yaml.Node:
    plain = not any(isinstance(item, (list, dict)) for item in data)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=plain)


_Dumper.add_representer(list, _represent_list)


def load_yaml(path: str) -> dict[str, Any]:
    """The mapping in the YAML file ``path``, as plain dicts and lists that share nothing.

    Raises ConfigError: no such file, not a regular one or a huge one, not UTF-8, something else
    than a mapping, and all that ``parse`` refuses.
    """
    with reading(path):
        data = parse(_read_text(path), path)
    if not isinstance(data, dict):
        raise _error(path, "the file must hold a mapping", show(data),
                     "It is empty." if data is None else "Write 'key: value' lines.")
    return data


def _read_text(path: str) -> str:
    try:
        return read_bytes(path, BYTES).decode("utf-8-sig")
    except OSError as error:
        raise _error(path, "the file must be readable", error.strerror or str(error),
                     "Check the path; it is relative to the current directory.") from None
    except UnicodeDecodeError as error:
        raise _error(path, "the file must be UTF-8 text",
                     f"byte {error.object[error.start]:#x} at offset {error.start}",
                     "It is UTF-16; save it as UTF-8." if error.object[:2] in UTF_16 else
                     "Save it as UTF-8.") from None


def _error(file: str, rule: str, found: str = "", hint: str = "") -> ConfigError:
    return ConfigError(file, [ValidationIssue("", rule, found, hint)])


def parse_value(text: str) -> Any:
    """One value as YAML; ``None`` is null, as in PaddleClas's options. Raises ConfigError."""
    with reading(text):
        return None if text.strip() == "None" else parse(text, text)


def show_override(path: str, value: object) -> str:
    """The text ``path=value`` that ``apply_overrides`` reads. Raises ConfigError for what is no
    plain data."""
    issues = check_plain(value, str(path))
    if issues:
        raise ConfigError("overrides", issues)
    return f"{path}={show_yaml(value)}"


def show_yaml(value: object) -> str:
    """``value`` as YAML in one line."""
    text: str = yaml.dump(value, Dumper=_Dumper, default_flow_style=True, width=1 << 30,
                          allow_unicode=True)
    return text.strip().removesuffix("\n...")


def apply_overrides(data: dict[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """A copy of ``data`` with each ``key.path=value`` set; keys are added where they are missing.

    Raises ConfigError with all that cannot be set: an index past the end of a list, a path through
    a number, a new key that is one slip away from a present one, a section that PaddleClas does
    not have, a mapping that would drop keys of the present one, two overrides of which the second
    undoes the first.
    """
    changed: dict[str, Any] = dotpath.clone(data)
    issues, done = list[ValidationIssue](), list[str]()
    for option in dict.fromkeys(overrides):  # the same twice is no contradiction
        found = _apply_override(changed, option) or contradiction(option, done)
        issues += found
        done += [] if found else [option]
    if issues:
        raise ConfigError("command line", issues)
    return changed


def _apply_override(data: dict[str, Any], option: str) -> list[ValidationIssue]:
    """Set ``option``, split at its first ``=``, in place; returns the rules that it breaks."""
    def issue(rule: str, found: str = "", hint: str = "") -> list[ValidationIssue]:
        return [ValidationIssue(f"-o {option}", rule, found, hint)]

    path, equals, text = option.partition("=")
    path = path.strip()
    if not equals or not all(path.split(".")) or path.count(".") >= DEPTH:
        return issue("an override reads key=value", hint="For example -o Global.epochs=5.")
    try:
        value = parse_value(text)
    except ConfigError as error:
        return issue("the value must be valid YAML", repr(text), error.issues[0].rule)
    section, meant = path.partition(".")[0], similar_path(data, path)
    if section not in (*data, *SECTIONS, *RARE_SECTIONS) and (
            section[:1].isupper() or "Arch" in data):  # lower case is a search file's
        return issue("PaddleClas has no such section", section,
                     elsewhere(data, path) or did_you_mean(section, SECTIONS))
    if meant:
        return issue("a new key must not be one slip away from one that is there", path,
                     f"Did you mean '{meant}'?")
    lost = dropped(data, path, value)
    if lost:
        return issue("a mapping must not drop keys that are there", lost, f"Set single keys, such "
                     f"as -o {path}.KEY=VALUE, or write all of them.")
    try:
        dotpath.set_(data, path, value, create=True)
    except dotpath.PathError as error:
        known = f"It has: {', '.join(error.known)}." if error.known else "It holds a single value."
        return issue(f"'{error.reached}' has no such part", hint=known)
    return []


def dump_text(data: dict[str, Any]) -> str:
    """``data`` as YAML: sections in PaddleClas's order with a blank line between, lists of words
    on one line."""
    ordered = dict.fromkeys([*(key for key in SECTIONS if key in data), *data])
    nested = any(isinstance(value, dict) for value in data.values())
    return ("\n" if nested else "").join(_entry_text(data[key], key) for key in ordered)


def _entry_text(value: Any, *path: Any) -> str:
    """The entry of a mapping at ``path``. Texts are kept: two configs of a search differ in few
    values."""
    mark = repr((path, value))  # 1, 1.0 and True differ in it
    text = _TEXTS.get(mark)
    if text is None:
        if len(_TEXTS) >= _MOST_TEXTS:
            _TEXTS.clear()
        text = _TEXTS[mark] = _new_text(value, path)
    return text


def _new_text(value: Any, path: tuple[Any, ...]) -> str:
    plain = type(value) in (int, float) or (type(value) is str and _PLAIN.fullmatch(value))
    if plain or (isinstance(value, dict) and value):
        head = _entry_text({}, *path)
        if head.endswith(": {}\n") and head.count("\n") == 1:  # else the key takes several lines
            if plain:
                return f"{head[:-3]}{_SCALARS.represent_data(value).value}\n"
            entries = (_entry_text(one, *path, key) for key, one in value.items())
            return head.removesuffix(" {}\n") + "\n" + "".join(entries)
    nested = value
    for key in reversed(path):
        nested = {key: nested}
    text = yaml.dump(nested, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return "".join(text.splitlines(True)[len(path) - 1:])


def dump_yaml(data: dict[str, Any], path: str, *, header: str = "") -> None:
    """Write ``yaml_text`` to ``path`` by ``write_atomic``."""
    write_atomic(path, yaml_text(data, header=header))


def yaml_text(data: dict[str, Any], *, header: str = "") -> str:
    """
    :param header: lines that stand above ``data`` as comments
    """
    comment = "".join(f"# {line}".rstrip() + "\n" for line in header.splitlines())
    return comment + dump_text(data)


def write_atomic(path: str | os.PathLike[str], content: str | Iterable[bytes | memoryview]) -> None:
    """Write a text, or pieces of bytes, by temporary file, fsync and rename: either the whole new
    file is there afterwards or the old one still is."""
    handle, temporary = claim_temporary(path)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.writelines([content.encode()] if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(temporary, 0o666 & ~umask)
            os.replace(temporary, path)  # while it is locked, so that no other writer deletes it
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def write_alone(path: str | os.PathLike[str], text: str) -> None:
    """``write_atomic`` without fsync, which takes milliseconds, and without other writers of
    ``path``: a kill leaves the old file or the new one, a failure of the machine may leave none.
    For what is written again then."""
    temporary = f"{os.fspath(path)}.tmp"
    with open(temporary, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.replace(temporary, path)
