import pytest

from paddle_transfer.loop.results import point_results
from paddle_transfer.study.records import trained
from tests.helpers.records import record, shown_settings

SPACE = shown_settings("out").space


def test_the_mean_over_a_points_repeats_ranks_it():
    lucky = [record(0, 0.1, value=0.9), record(1, 0.1, value=0.5, seed=1)]
    steady = [record(2, 0.01, value=0.8), record(3, 0.01, value=0.78, seed=1)]
    results = point_results(SPACE, lucky + steady)
    assert [result.point["lr"] for result in results] == [0.01, 0.1]
    assert results[0].value == pytest.approx(0.79)
    assert results[0].error == pytest.approx(0.01)
    assert results[1].value == pytest.approx(0.7)
    assert results[1].error == pytest.approx(0.2)
    assert results[1].best.number == 0  # the weights handed out are those of its better trial


def test_one_training_has_no_standard_error():
    assert point_results(SPACE, [record(0, 0.1, value=0.5)])[0].error is None


def test_equal_points_keep_the_order_they_were_tried_in():
    results = point_results(SPACE, [record(1, 0.1, value=0.5), record(0, 0.01, value=0.5)])
    assert [result.best.number for result in results] == [0, 1]


def test_what_did_not_complete_ranks_last():
    records = [record(0, 0.1, value=0.99, state="pruned"), record(1, 0.01, state="diverged"),
               record(2, 0.001, value=0.2), record(3, 0.1, True, state="running")]
    results = point_results(SPACE, records)
    assert [result.value for result in results] == [0.2, None, None]


def test_a_reused_suggestion_counts_once():
    records = [record(0, 0.1, value=0.5), record(1, 0.1, value=0.5, reused=0)]
    (result,) = point_results(SPACE, records)
    assert sum(trial.complete for trial in result.trials) == 1
    assert [entry.number for entry in trained(records)] == [0]
