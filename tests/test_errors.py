import pickle

import pytest

from paddle_transfer import errors
from paddle_transfer.errors import ConfigError, ValidationIssue, did_you_mean, show


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
