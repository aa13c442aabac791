import errno
import pickle
import zlib

import pytest

from paddle_transfer import errors
from paddle_transfer.errors import (
    ConfigError,
    ValidationIssue,
    did_you_mean,
    one_line,
    printable,
    show,
)


@pytest.mark.parametrize(
    ("mistake", "text"),
    [(ValidationIssue("a.b", "must be x", "3", "Write x."), "a.b: must be x; found 3. Write x."),
     (ValidationIssue("", "must be x", "3"), "must be x; found 3"),
     (ValidationIssue("a", "must be x"), "a: must be x"),
     (ValidationIssue("a", "must be x", "", "Write x."), "a: must be x. Write x.")])
def test_a_mistake_reads_as_one_line(mistake, text):
    assert str(mistake) == text


def test_a_config_error_lists_all_mistakes():
    error = ConfigError("f.yaml", [ValidationIssue("a", "one"), ValidationIssue("b", "two")])
    assert str(error) == "f.yaml: 2 mistakes\n  - a: one\n  - b: two"
    assert error.exit_code == 2
    assert str(ConfigError("f.yaml",
                           [ValidationIssue("a", "one")])).startswith("f.yaml: 1 mistake\n")
    with pytest.raises(AssertionError):
        ConfigError("f.yaml", [])


@pytest.mark.parametrize(("word", "known", "text"),
                         [("max_itr", ["max_iter", "metric"], "Did you mean 'max_iter'?"),
                          ("zzz", ["a", "b"], "Known: a, b."), ("zzz", [], ""),
                          ("zzz", [f"k{i}" for i in range(99)], ""), (7, ["a"], "Known: a.")])
def test_did_you_mean(word, known, text):
    assert did_you_mean(word, known) == text


@pytest.mark.parametrize(("value", "text"), [
    ("a", "'a' (a string)"), (1, "1 (an integer)"), (True, "True (a boolean)"), (None, "nothing"),
    (0.5, "0.5 (a number)"),
    ([1], "[1] (a list)"), ({}, "{} (a mapping)"), ("x" * 99, "'" + "x" * 76 + "... (a string)")])
def test_show_says_value_and_kind(value, text):
    assert show(value) == text


def test_every_error_for_a_user_has_an_exit_code_other_than_success():
    kinds = [
        kind for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    ]
    assert len(kinds) >= 6
    assert all(issubclass(kind, errors.PaddleTransferError) and kind.exit_code for kind in kinds)
    assert errors.SearchFailed.exit_code == 1


def test_a_config_error_crosses_processes_whole():
    error = ConfigError("a.yaml", [ValidationIssue("b", "must be", "c", "Do it.")])
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.file, copy.issues) == (str(error), error.file, error.issues)


@pytest.mark.parametrize(("text", "told"), [
    ("red \x1b[31m", "red \\x1b[31m"), ("a\rb\x00", "a\\rb\\x00"), ("\u202egpj", "\\u202egpj"),
    ("caf\udce9", "caf\\udce9"), ("图像 é", "图像 é"), ("a\nb\tc", "a\nb\tc")])
def test_what_a_terminal_acts_on_is_escaped(text, told):
    assert printable(text) == told


def test_one_line_has_no_breaks_and_is_cut_in_its_middle():
    assert one_line("a \r\n  b\u2028c\td\x1b") == "a b c d\\x1b"
    cut = one_line(f"head {'x' * 10_000_000} tail", 100)
    assert len(cut) == 100
    assert cut.startswith("head ")
    assert cut.endswith(" tail")


def test_every_error_has_a_bounded_printable_text():
    long = ValidationIssue("k" * 10_000, "must be\na", "f" * 10_000 + "\x1b[31m", "Do it.")
    told = str(ConfigError("f" * 10_000 + "\x07", [long] * 1000))
    assert len(told) < (errors.LISTED + 2) * errors.LINE
    assert told.endswith(f"... and {1000 - errors.LISTED} more")
    assert "Do it." in told
    text = str(errors.DataError("\x1b" + "z" * 1_000_000 + "\n" + "line\n" * 10_000))
    assert len(text) < 2 * errors.LINE + 5 * errors.LINES
    assert "\x1b" not in told + text


@pytest.mark.parametrize("fault", [
    ValueError("x"), KeyError("x"), RecursionError(), OverflowError("x"), MemoryError(),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), OSError(22, "Invalid argument"), EOFError(),
    zlib.error("x"), AttributeError("x")])
def test_what_goes_wrong_while_input_is_read_is_one_error_with_the_file(fault):
    with pytest.raises(ConfigError, match=r"^a\.yaml: 1 mistake\n  - k: cannot be read; found "
                       ) as told, errors.reading("a.yaml", "k"):
        raise fault
    assert told.value.__cause__ is fault


def test_a_rule_says_more_than_the_funnel():
    with pytest.raises(errors.DataError, match=r"^a\.csv: line 3 is short$"), \
            errors.reading("b"):
        raise errors.DataError("a.csv: line 3 is short")
    with pytest.raises(errors.StudyError, match=r"^f: cannot be read; found ValueError: x"), \
            errors.reading("f", error=errors.StudyError):
        raise ValueError("x")
    with pytest.raises(errors.DiskFull), errors.reading("f"):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(("text", "shown"), [
    ("postgresql+psycopg://me:se/cr@et@host:5432/db", "postgresql+psycopg://me@host:5432/db"),
    ("x://h/db?user=me&password=secret&x=1 failed", "x://h/db?user=me&password=&x=1 failed"),
    ("sqlite:////a/b:c@d.db", "sqlite:////a/b:c@d.db"),
    ("postgresql://host:5432/db, me@host", "postgresql://host:5432/db, me@host"),
])
def test_no_error_shows_the_password_of_an_address(text, shown):
    issue = ValidationIssue(text, text, text, text)
    for error in (errors.StudyError(text), ConfigError("f", [issue])):
        assert shown in str(error)
        assert "secret" not in str(error)
        assert "se/cr" not in str(error)
