"""YAML 1.1 text -> plain data, with a bound on the work that a text can ask for.

Nothing is evaluated. YAML 1.1 reads ``1e-3`` (no dot) as a string, and so does PaddleClas inside
lists. Here it is a number. The text's events are counted, aliases in full, before anything is
built of them: 500 bytes of aliases can stand for more values than a machine holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from paddle_transfer import dotpath
from paddle_transfer.config.plain import DEPTH, check_plain
from paddle_transfer.errors import INPUT_FAULTS, ConfigError, ValidationIssue, one_line

if TYPE_CHECKING:
    from yaml import SafeLoader as BaseLoader
else:
    BaseLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

#: A text has at most so many bytes, and stands for at most so many values (every 100 characters of
#: a long one count as one): a config has some hundred, and a value takes about a kilobyte.
BYTES, VALUES = 8 * 2**20, 100_000
#: Characters of a number: Python reads ``1:10:10`` (sexagesimal) in quadratic time.
DIGITS = 400

_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)[eE][-+]?[0-9]+$")
_DATE = "tag:yaml.org,2002:timestamp"

Resolvers = dict[str, list[tuple[str, re.Pattern[str]]]]


def resolvers(base: Resolvers, *, dates: bool) -> Resolvers:
    """The rules ``base`` for plain words, with 1e-3 a number.

    :param dates: else 2026-11-01 is a string
    """
    rules = {first: [rule for rule in known if dates or rule[0] != _DATE]
             for first, known in base.items()}
    for first in "-+.0123456789":
        rules[first] = [*rules.get(first, []), ("tag:yaml.org,2002:float", _FLOAT)]
    return rules


class _Loader(BaseLoader):
    """Tells the line of a value that its tag does not fit."""

    yaml_implicit_resolvers = resolvers(yaml.SafeLoader.yaml_implicit_resolvers, dates=False)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        kind = node.tag.rpartition(":")[2]
        try:
            if kind in ("int", "float") and len(node.value) > DIGITS:
                raise ValueError(f"a number of {len(node.value)} characters")
            return super().construct_object(node, deep=deep)
        except yaml.YAMLError:
            raise
        except INPUT_FAULTS as error:
            raise yaml.constructor.ConstructorError(
                None, None, f"{one_line(repr(node.value), 60)} cannot be read as '{kind}'",
                node.start_mark) from error


def parse(text: str, file: str) -> Any:
    """The value that ``text`` stands for, as plain dicts and lists that share nothing.

    Raises ConfigError, which names ``file``: a syntax error (with line and column), keys that a
    mapping has twice (all of them), values that are no plain data, more work than a config is.
    """
    control = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        raise ConfigError(file, [ValidationIssue(
            f"line {line}", "a text file has no control characters", repr(control.group()),
            "Is it a YAML file, saved as UTF-8?")])
    issues: list[ValidationIssue] = []
    loader = None
    try:
        _check_events(text, file, issues)
        loader = _Loader(text)
        data = loader.get_single_data()
    except yaml.YAMLError as error:
        raise ConfigError(file, [_syntax_issue(error, text)]) from None
    finally:
        if loader is not None:
            loader.dispose()
    issues += check_plain(data)
    if issues:
        raise ConfigError(file, issues)
    return dotpath.clone(data)


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not been read.

    :param before: the values before it
    :param keys: of a mapping, with the line of each; None for a list
    :param at_key: whether a key of a mapping comes next
    """

    anchor: str | None
    before: int
    keys: dict[str, int] | None
    at_key: bool = True


class _Events:
    """Counts what the events of a text stand for.

    :param issues: takes keys that stand twice
    """

    def __init__(self, file: str, issues: list[ValidationIssue]):
        self.file, self.issues, self.values = file, issues, 0
        self.places: list[_Open] = []
        self.anchors: dict[str | None, int] = {}

    def add(self, event: yaml.Event, line: int) -> None:
        """Raises ConfigError when it becomes too much."""
        if isinstance(event, yaml.CollectionEndEvent):
            place = self.places.pop()
            self.anchors[place.anchor] = self.values - place.before
        elif isinstance(event, yaml.NodeEvent):
            if self.places:
                if self.places[-1].at_key and isinstance(event, yaml.ScalarEvent):
                    self._add_key(event, self.places[-1], line)
                self.places[-1].at_key = not self.places[-1].at_key
            self._add_value(event, line)

    def _add_value(self, event: yaml.NodeEvent, line: int) -> None:
        if isinstance(event, yaml.AliasEvent):
            if any(place.anchor == event.anchor for place in self.places):
                raise _refusal(self.file, "", "a YAML anchor must not contain itself")
            self.values += self.anchors.get(event.anchor, 1)
        elif isinstance(event, yaml.ScalarEvent):
            self.anchors[event.anchor] = 1 + len(event.value) // 100
            self.values += self.anchors[event.anchor]
        else:
            keys: dict[str, int] | None = {} if isinstance(event, yaml.MappingStartEvent) else None
            self.places.append(_Open(event.anchor, self.values, keys))
            self.values += 1
        if self.values > VALUES or len(self.places) > DEPTH:
            many = f"more than {VALUES:,} values" if self.values > VALUES else f"{DEPTH} levels"
            raise _refusal(self.file, f"line {line}", f"a config may not hold {many}",
                           "Aliases (*name) count in full.")

    def _add_key(self, event: yaml.ScalarEvent, place: _Open, line: int) -> None:
        """A mapping may have each key once; a merge key (``<<``) may stand there again."""
        if place.keys is None or (event.value == "<<" and event.implicit[0]):
            return
        if event.value in place.keys:
            self.issues.append(ValidationIssue(
                f"line {line}", "a key may stand only once in a mapping",
                f"'{event.value}' here and on line {place.keys[event.value]}",
                "Keep one of them."))
        place.keys[event.value] = line


def _check_events(text: str, file: str, issues: list[ValidationIssue]) -> None:
    """Raise ConfigError when ``text`` is too much, before the parser has read all of it; keys that
    stand twice are added to ``issues``."""
    counted = _Events(file, issues)
    for event in yaml.parse(text, Loader=BaseLoader):
        mark = event.start_mark
        counted.add(event, mark.line + 1 if mark else 0)


def _refusal(file: str, where: str, rule: str, hint: str = "") -> ConfigError:
    return ConfigError(file, [ValidationIssue(where, rule, hint=hint)])


def _syntax_issue(error: yaml.YAMLError, text: str) -> ValidationIssue:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    rule = f"it must be valid YAML: {problem}"
    if mark is None:
        return ValidationIssue("", rule)
    lines = text.split("\n", mark.line + 1)
    line = lines[mark.line] if mark.line < len(lines) else "the end of the file"
    hint = ("" if isinstance(error, yaml.constructor.ConstructorError) else
            "Indent with spaces, not with tabs." if "\t" in line else
            "Look at this line and the one before it: an indent, a bracket, a quote or a colon.")
    return ValidationIssue(f"line {mark.line + 1}, column {mark.column + 1}", rule,
                           one_line(repr(line.strip()), 200), hint)
