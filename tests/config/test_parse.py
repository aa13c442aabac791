"""YAML texts that ask for more than a config is, or hold what a config cannot."""

import datetime
import math
import os

import pytest
import yaml

from paddle_transfer.config import load, parse
from paddle_transfer.config.plain import DEPTH, check_plain
from paddle_transfer.errors import ConfigError


def refused(text):
    with pytest.raises(ConfigError, match=r"^f\.yaml: ") as told:
        parse.parse(text, "f.yaml")
    assert len(str(told.value)) < 1500
    assert str(told.value).replace("\n", "").isprintable()
    return str(told.value.issues[0])


def doubling(first, line):
    return first + "".join(line.format(new=i + 1, old=i) for i in range(40))


#: Small texts that stand for more than a machine holds, and texts that are too much themselves.
TOO_MUCH = {
    "aliases": doubling("a0: &a0 [x, x]\n", "a{new}: &a{new} [*a{old}, *a{old}]\n"),
    "merge keys": doubling("a0: &a0 {{x: 1}}\n".format(),
                           "a{new}: &a{new} {{<<: [*a{old}, *a{old}], k{new}: 1}}\n"),
    "a long text's aliases": 'a: &a "' + "x" * 100_000 + '"\nb: [' + "*a, " * 1000 + "]",
    "many values": "a: [" + "1," * 2000 + "]", "many documents": "--- 1\n" * 2000,
    "brackets": "a: " + "[" * 500,
    "dashes": "- " * 500,
    "indents": "".join(f"{' ' * i}a:\n" for i in range(500))}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_what_stands_for_more_than_a_config_is_refused_before_it_is_built(name, monkeypatch):
    monkeypatch.setattr(parse, "_Loader", None)
    monkeypatch.setattr(parse, "VALUES", 1000)
    events, known = [], yaml.parse
    monkeypatch.setattr(yaml, "parse", lambda *given, **named: (
        events.append(event) or event for event in known(*given, **named)))
    assert "a config may not hold " in refused(TOO_MUCH[name])
    assert len(events) <= 3 * parse.VALUES + 10


@pytest.mark.parametrize(("text", "told"), [
    ("a: &a [1, {b: *a}]", "a YAML anchor must not contain itself"),
    ("a: &a {<<: *a, x: 1}", "a YAML anchor must not contain itself"),
    ("a: *x", "line 1, column 4: it must be valid YAML: found undefined alias"),
    ("a: 1\n---\nb: 2", "line 2, column 1: it must be valid YAML: but found another document"),
    ("a: !!int abc", "line 1, column 4: it must be valid YAML: 'abc' cannot be read as 'int'"),
    ("a: !!int ''", "'' cannot be read as 'int'"), ("a: !!bool x", "'x' cannot be read as 'bool'"),
    ("a: !!timestamp x", "'x' cannot be read as 'timestamp'"),
    ("a:\n  b: " + "1" * 5000, "line 2, column 6: it must be valid YAML: '1111"),
    ("a: 1" + ":10" * 10_000, "cannot be read as 'int'"),
    ("a: 1" + ":10" * 10_000 + ".5", "cannot be read as 'float'"),
    ("a:\n- b: 0x" + "1" * 300, "a.0.b: a whole number must fit in 64 bits; found one of 1197 "),
    ("a: 9223372036854775808", "a: a whole number must fit in 64 bits"),
    ("a: !!timestamp 2026-01-01", "a: must be plain data; found datetime.date(2026, 1, 1)"),
    ("a: !!set {x}", "a: must be plain data; found {'x'} (set)"),
    ("a: {b: !!binary aGVsbG8=}", "a.b: must be plain data; found b'hello' (bytes)"),
    ("a: {~: 1}", "a: a key must be a text or a number; found nothing"),
    ("? [1, 2]\n: 1", "line 1, column 3: it must be valid YAML: found unhashable key"),
    ("a: 1\nb: '\x1b[31m'", "line 2: a text file has no control characters; found '\\x1b'"),
    ("a: 1\n\0", "line 2: a text file has no control characters; found '\\x00'"),
    ('a: "\\uD800"', "line 1, column 7: it must be valid YAML: found invalid Unicode"),
    ("a: !!python/name:os.system ''", "could not determine a constructor"),
])
def test_what_is_no_plain_data_is_named_with_its_place(text, told):
    assert told in refused(text)


def test_a_number_of_64_bits_and_a_nest_of_lists_are_plain():
    lists = "[" * (DEPTH - 2) + "]" * (DEPTH - 2)
    assert parse.parse(f"a: [{2**63 - 1}, {-2**63 + 1}, {lists}, .inf]", "f")["a"][:2] == [
        2**63 - 1, -2**63 + 1]


def test_a_key_that_overrides_a_merged_one_stands_once():
    text = "x: {deep: {a: &a {<<: {lr: 1}, lr: 2}}}\ny: {<<: *a}\n"
    assert parse.parse(text, "f") == {"x": {"deep": {"a": {"lr": 2}}}, "y": {"lr": 2}}


@pytest.mark.parametrize("value", [
    datetime.date(2026, 1, 1), {1, 2}, b"x", object(), 1 << 64, "\udce9", {None: 1}, {(1, 2): 3}])
def test_a_program_gives_plain_data_too(value):
    assert [issue.where for issue in check_plain({"a": [value]})] == ["a.0"]


def test_data_that_holds_itself_is_not_plain():
    data = {"a": []}
    data["a"].append(data)
    issue, = check_plain(data)
    assert "levels" in issue.rule
    assert check_plain([1, 2.5, math.inf, True, None, "x\n", (1,), {1: "a", "b": {}}]) == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le"])
def test_utf_16_is_named(tmp_path, encoding):
    file = tmp_path / "f.yaml"
    bom = {"utf-16-be": b"\xfe\xff", "utf-16-le": b"\xff\xfe"}.get(encoding, b"")
    file.write_bytes(bom + "a: 1\n".encode(encoding))
    with pytest.raises(ConfigError, match=r"It is UTF-16; save it as UTF-8\."):
        load.load_yaml(str(file))


def test_only_regular_files_of_a_bounded_size_are_read(tmp_path):
    pipe, huge = str(tmp_path / "pipe"), str(tmp_path / "huge")
    os.mkfifo(pipe)
    with open(huge, "wb") as stream:
        stream.truncate(parse.BYTES + 1)
    for file, told in ((pipe, "is a named pipe, not a file"), ("/dev/zero", "is a device"),
                       (huge, "bytes or more, but at most"), ("a\0b", "No such file")):
        with pytest.raises(ConfigError, match=f"the file must be readable; found .*{told}"):
            load.load_yaml(file)
