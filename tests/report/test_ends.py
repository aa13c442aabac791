"""Best values at the end of what was searched."""

import pytest

from paddle_transfer.report.ends import ends_of
from paddle_transfer.report.summary import best_at_ends, summary_lines
from paddle_transfer.space.hyperparameter import Choice, Range
from tests.helpers.records import ranker_of, record, shown_settings

RATES = Choice("lr", (0.1, 0.01, 0.001), log=True)


@pytest.mark.parametrize(("setting", "value", "end"), [
    (RATES, 0.1, "largest"), (RATES, 0.001, "smallest"), (RATES, 0.01, None),
    (Choice("lr", (0.1, 0.01)), 0.1, None), (Choice("mixup", (0, 0.2, 0.4)), 0, None),
    (Choice("mixup", (0, 0.2, 0.4)), 0.4, "largest"), (Choice("l2_decay", (1, 2, 3)), 3, None),
    (Choice("strategy", ("full", "head", "partial")), "full", None),
    (Range("lr", 1e-4, 1e-1, log=True), 0.0999, "largest"),
    (Range("lr", 1e-4, 1e-1, log=True), 0.05, None),
    (Range("epochs", 5, 20, integer=True), 5, "smallest")])
def test_a_best_value_at_the_end_of_its_axis_is_found(setting, value, end):
    found = ends_of([setting], {setting.name: value})
    assert [("largest" if one.largest else "smallest") for one in found] == ([end] if end else [])
    assert ends_of([setting], {}) == (), "a setting that is switched off"


def test_the_terminal_says_what_to_extend_and_how():
    settings = shown_settings("out")
    records = [record(0, 0.01, value=0.5), record(1, 0.1, value=0.9), record(2, 0.001, value=0.3)]
    board = ranker_of(settings).leaderboard(records)
    assert [one.name for one in best_at_ends(settings, board)] == ["lr"]
    assert summary_lines(settings, records, board)[-2:] == [
        "lr 0.1 is the largest that was searched: larger values may be better. Add some to "
        "search_values of lr.",
        "A wider space is another search: give it an output_dir of its own, and warm_start: [out] "
        "to learn from this one."]
