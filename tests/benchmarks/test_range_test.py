"""Statistics of range tests whose answer is known, and how predictors are judged."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy
import pytest

from benchmarks import range_test
from benchmarks.range_statistics import CAP, STATISTICS, smoothed
from benchmarks.range_test import Task, by_facts, judge, nested
from benchmarks.task_features import rising_rates

RATES = rising_rates(101)  # 20 steps a decade
LOGS = numpy.log10([0.0001, 0.001, 0.01, 0.1])


def curve(losses: Mapping[float, float]):
    """Losses given at some logarithms of rates, with straight lines between them."""
    logs = numpy.log10(RATES)
    return smoothed(RATES, list(numpy.interp(logs, list(losses), list(losses.values()))))


@pytest.mark.parametrize(("name", "expected"), [
    ("steepest descent", -2.5), ("a tenth of the descent", -2.9), ("half of the descent", -2.5),
    ("nine tenths of the descent", -2.1), ("minimum", -1.5), ("minimum / 10", -2.5),
    ("last below the start", -0.5), ("last below 1.3 minimum", -0.85),
    ("half descent to start", -1.5), ("valley", -2.3)])
def test_a_curve_of_straight_lines(name, expected):
    """Level until 0.001, down to half at 0.01, level until 0.1, then up to 1.5 times the start. The
    minimum is level: its smoothed left end counts."""
    made = curve({-5: 2.0, -3: 2.0, -2: 1.0, -1.5: 0.99, -1: 1.0, 0: 3.0})
    assert STATISTICS[name](made) == pytest.approx(expected, abs=0.25)


def test_one_spike_moves_a_minimum_no_further_than_its_neighbours():
    losses: list[float | None] = list(numpy.interp(
        numpy.log10(RATES), [-5, -3, -2, 0], [2.0, 2.0, 1.0, 3.0]))
    plain = smoothed(RATES, losses)
    losses[55] = 1e6
    assert smoothed(RATES, losses).losses.max() <= CAP * plain.start
    assert abs(STATISTICS["minimum"](smoothed(RATES, losses)) + 2) < 0.3


def test_a_diverged_training_is_as_high_as_the_cap():
    made = smoothed(RATES, [2.0] * 60 + [1.0] * 20 + [None] * 21)
    assert made.losses[-1] == pytest.approx(CAP * 2.0)
    assert -1.3 < STATISTICS["last below the start"](made) < -0.9


def test_a_curve_that_never_rises_ends_at_the_largest_rate():
    assert STATISTICS["last below the start"](curve({-5: 2.0, 0: 1.0})) == pytest.approx(0.0)


def task(name: str, best: float, *, guesses: Sequence[float] = (), like: str = "a") -> Task:
    """One whose accuracy falls by ten points a decade to both sides; every statistic guesses."""
    accuracies = 0.8 - 0.1 * numpy.abs(LOGS - best)
    return Task(name, "table", (like, False, "Momentum"), LOGS, accuracies,
                dict.fromkeys(STATISTICS, guesses))


def test_a_predictor_that_is_off_by_a_constant_has_no_error_left():
    tasks = [task("one", -3, guesses=[-2.0]), task("two", -2, guesses=[-1.0], like="b"),
             task("three", -1, guesses=[0.0])]
    found = judge("minimum", tasks)
    assert (found.offset, found.spread, found.plain) == pytest.approx((-1, 0, 1))
    assert (found.left_out, found.unlike, found.lost) == pytest.approx((0, 0, 0))


def test_the_offset_is_fitted_to_the_other_tasks_only():
    tasks = [task("one", -3, guesses=[-3.0]), task("two", -3, guesses=[-3.0]),
             task("three", -2, guesses=[-3.0, -3.2])]
    found = judge("minimum", tasks)
    assert found.left_out == pytest.approx((0.55 + 0.55 + (1.0 + 1.2) / 2) / 3)
    assert found.lost == pytest.approx((5.5 + 5.5 + 11) / 3)
    assert math.isnan(found.unlike)


def test_the_statistic_is_chosen_without_the_task_that_is_predicted():
    """Each of two statistics is right about two tasks and far off on the third: whichever looks
    best on the others fails."""
    tasks = [task(str(i), -3 + i, guesses=[-3.0 + i]) for i in range(3)]
    for i, one in enumerate(tasks):
        wrong = {name: [one.best + 2 if place % 3 == i else one.best]
                 for place, name in enumerate(STATISTICS)}
        tasks[i] = replace(one, predictions=wrong)
    assert nested(tasks)[0] == pytest.approx(2)


def test_facts_alone_predict_the_mean_of_like_tasks():
    tasks = [task("one", -3), task("two", -3), task("other", -1, like="b")]
    error, lost = by_facts(tasks)
    assert error == pytest.approx(2 / 3)
    assert lost == pytest.approx(20 / 3)


def test_the_report_covers_all_recorded_tasks():
    tasks = range_test.load_tasks(range_test.TABLES)
    text = range_test.report(tasks)
    assert {one.source for one in tasks} <= {"table", "sweep"}
    assert all(f"| {one.name} | {one.source} | " in text for one in tasks)
    assert "nan" not in text
