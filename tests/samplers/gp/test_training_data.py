"""From observations to numbers: repeats, curves, pruned, diverged, metrics that are no shares."""

from __future__ import annotations

import math

import numpy
import pytest

from paddle_transfer.samplers.base import Observation
from paddle_transfer.samplers.common import valid_observations
from paddle_transfer.samplers.gp.metric_scale import tail_mean
from paddle_transfer.samplers.gp.training_data import (
    FULL,
    compress_tail,
    noise_floor,
    training_data,
)
from tests.helpers.sampler_suite import SMALL

A, B, C = (SMALL.point(i) for i in (0, 5, 9))


def odds(value: float) -> float:
    return math.log(value / (1 - value))


def test_shares_become_log_odds_and_the_slope_leads_back():
    data = training_data(SMALL, [Observation(0, A, 0.8), Observation(1, B, 0.7)])
    assert data.values == pytest.approx([odds(0.8), odds(0.7)])
    assert data.slope == pytest.approx(0.16)


def test_the_end_of_a_curve_counts_not_its_best():
    curve = ((1, 0.9), (2, 0.6), (3, 0.7))
    assert tail_mean(Observation(0, A, 0.9, curve=curve)) == pytest.approx(0.7)
    long = tuple((epoch, epoch / 100) for epoch in range(1, 41))
    assert tail_mean(Observation(
        0, A, 0.4, curve=long)) == pytest.approx(0.385), "of a long training its last tenth"
    assert tail_mean(Observation(0, A, 0.4,
                                 curve=(*long[:-1], (40, math.nan)))) == pytest.approx(0.375)
    assert tail_mean(Observation(
        0, A, 0.9, curve=(*curve, (4, math.nan)))) == pytest.approx(0.7), "not the best"


def test_zero_and_one_stay_finite_and_percentages_are_no_shares():
    assert numpy.isfinite(
        training_data(SMALL, [Observation(0, A, 0.0), Observation(1, B, 1.0)]).values).all()
    data = training_data(SMALL,
                        [Observation(0, A, 71.0),
                         Observation(1, B, 73.0),
                         Observation(2, C, 72.0)])
    assert data.slope == pytest.approx(math.sqrt(2 / 3))
    assert data.values[1] == pytest.approx(1 / data.slope)
    assert list(numpy.argsort(data.values)) == [0, 2, 1]


def test_values_far_below_the_best_are_drawn_together_in_order():
    values = compress_tail(numpy.array([2.0, 2.0 - FULL / 2, 2.0 - FULL, 0.0, -5.0]))
    assert values[:3] == pytest.approx([2.0, 2.0 - FULL / 2, 2.0 - FULL])
    assert -1.0 < values[4] < values[3] < 1.0


def test_repeats_have_other_seeds_and_one_divergence_spoils_a_point():
    data = training_data(SMALL, [
        Observation(0, A, 0.8),
        Observation(1, A, 0.8),
        Observation(2, B, 0.75),
        Observation(3, B, None, "diverged")
    ])
    assert list(data.seeds) == [0, 1, 0, 1]
    assert list(data.weights) == [1.0] * 4
    assert data.values[:2] == pytest.approx(odds(0.8))
    # three units below the best, compressed
    assert data.values[2:] == pytest.approx(odds(0.8) - FULL * (1 + math.log(3 / FULL)))


def test_repeats_keep_their_differences_around_the_mean_of_their_point():
    """What they differ by is the noise; far below the best it shrinks as the distance does."""
    data = training_data(SMALL, [Observation(0, A, 0.8), Observation(1, A, 0.7),
                                 Observation(2, B, 0.2), Observation(3, B, 0.1)])
    best, low = (odds(0.8) + odds(0.7)) / 2, (odds(0.2) + odds(0.1)) / 2
    assert data.best == pytest.approx(best)
    assert data.values[:2] == pytest.approx([odds(0.8), odds(0.7)])
    assert data.values[2:].mean() == pytest.approx(
        compress_tail(numpy.array([best, low]))[1]), "compressed by the mean"
    assert data.values[2] - data.values[3] == pytest.approx(
        (odds(0.2) - odds(0.1)) * FULL / (best - low))
    assert data.metric(data.values[2:].mean()) == pytest.approx(1 / (1 + math.exp(-low)))


def test_a_pruned_trial_gets_about_what_others_gained_after_its_epoch_and_counts_in_part():
    whole = Observation(0, A, 0.8, curve=((1, 0.6), (2, 0.8), (3, 0.8)))
    slow = Observation(0, A, 0.62, curve=((1, 0.6), (2, 0.61), (3, 0.62)))
    pruned = Observation(1, B, 0.5, "pruned", ((1, 0.5),))
    after_fast, after_slow = (training_data(SMALL, [other, pruned]) for other in (whole, slow))
    end = odds(0.5) + odds(0.8) - odds(0.6)
    assert odds(0.5) < after_slow.values[1] < after_fast.values[1] < end + 0.1
    assert after_fast.values[1] == pytest.approx(end, abs=0.25)
    assert after_fast.weights[0] == 1.0
    assert 0.0 < after_fast.weights[1] < 0.5


def test_a_pruned_trial_counts_for_more_the_later_it_was_stopped():
    whole = Observation(0, A, 0.8, curve=tuple((epoch, 0.8 - 0.3 / epoch) for epoch in range(1, 9)))
    parts = [training_data(SMALL, [whole, Observation(1, B, 0.5, "pruned", tuple(
        (epoch, 0.5) for epoch in range(1, last + 1)))]).weights[1] for last in (2, 4, 7)]
    assert parts == sorted(parts)
    assert parts[0] < 0.5 * parts[-1]


def test_failed_and_meaningless_values_are_not_usable():
    states = [
        Observation(0, A, 0.5, "failed"),
        Observation(1, A, math.nan),
        Observation(2, A, None, "pruned"),
        Observation(3, {"x": 1}, 0.5),
        Observation(4, B, None, "diverged"),
        Observation(5, C, 0.5)
    ]
    assert [o.number for o in valid_observations(SMALL, states)] == [4, 5]


def test_the_noise_floor_is_the_binomials():
    data = training_data(SMALL, [Observation(0, A, 0.8), Observation(1, B, 0.5)])
    # the variance of log-odds is 1 / (n p (1 - p)), and half of it counts
    assert noise_floor(data, 100) == pytest.approx(math.sqrt(0.5 / (100 * 0.16)))
    assert noise_floor(data, 10_000) == pytest.approx(noise_floor(data, 100) / 10)
    assert noise_floor(data, None) == 0.0
    assert noise_floor(training_data(
        SMALL, [Observation(0, A, 30.0), Observation(1, B, 50.0)]), 100) == 0.0
