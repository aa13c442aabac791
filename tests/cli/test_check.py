"""The check before a search: what it shows, what it raises."""

import pytest

from paddle_transfer.checks.findings import Report
from paddle_transfer.errors import DataError
from paddle_transfer.public import check_all_data
from paddle_transfer.settings import check_data as checker


def report(*, errors: int) -> Report:
    made = Report()
    made.add("small", "list.txt", 1, "a warning", error=False)
    for line in range(errors):
        made.add("label-range", "list.txt", line + 2, "an error")
    return made


@pytest.fixture
def checked(monkeypatch):
    def check(made):
        monkeypatch.setattr(checker, "check_data", lambda *_, **__: made)
        check_all_data(None)
    return check


def test_warnings_are_shown_and_the_search_begins(checked, capsys):
    checked(report(errors=0))
    assert capsys.readouterr().err.count("a warning") == 1


def test_with_errors_everything_is_told_once(checked, capsys):
    with pytest.raises(DataError) as caught:
        checked(report(errors=1))
    assert str(caught.value).count("a warning") == 1
    assert "an error" in str(caught.value)
    assert "a warning" not in capsys.readouterr().err


def test_what_is_not_shown_says_which_tool_shows_it():
    assert "(tools/check_data.py --all shows them)" in report(errors=25).text()
