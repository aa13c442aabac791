"""What a training still gains: from nothing, from one other training, from trainings at other
learning rates."""

from __future__ import annotations

import math

import pytest

from paddle_transfer.samplers.base import Observation
from paddle_transfer.samplers.gp.curve_extrapolation import (
    FLOOR,
    MEAN,
    POWER,
    Scale,
    expected_gain,
    scale_of,
)
from tests.helpers.pruner_suite import FINISHED, learning
from tests.helpers.sampler_suite import BASELINE, PUBLISHED

ODDS = Scale(True)


def rising(lr: float, gain: float) -> Observation:
    """A training that gained ``gain`` log-odds after the first half of its four epochs."""
    low, high = 0.5, 1 / (1 + math.exp(-gain))
    return Observation(0, {**BASELINE, "lr": lr}, high,
                       curve=((1, low), (2, low), (3, high), (4, high)))


def expect(lr: float, whole, share=0.5):
    return expected_gain(PUBLISHED, {**BASELINE, "lr": lr}, whole, share, scale=ODDS)


def test_before_any_training_the_gain_falls_with_what_is_left():
    means, deviations = zip(*(expect(0.01, [], share) for share in (0.25, 0.5, 0.75, 1.0)),
                            strict=True)
    assert means[1] == pytest.approx(MEAN * 0.5 ** POWER)
    assert means[3] == 0
    assert deviations[3] == pytest.approx(FLOOR)
    assert list(means) == sorted(means, reverse=True)
    assert list(deviations) == sorted(deviations, reverse=True)


def test_a_training_at_the_same_rate_tells_more_than_one_far_away():
    near, far = expect(0.1, [rising(0.1, 0.3)]), expect(0.1, [rising(0.001, 0.3)])
    nothing = expect(0.1, [])
    assert near[0] > far[0] > nothing[0]
    assert near[1] < far[1] < nothing[1]


def test_trainings_that_fluctuate_make_it_less_certain():
    """The same gains on the whole, once in order, once jumping from one L2 decay to the next."""
    def trained(jump):
        curves = [rising(0.01, 0.4 + jump * (-1) ** i).curve for i in range(6)]
        return [Observation(i, {**BASELINE, "lr": 0.01, "l2_decay": l2}, 0.5, curve=curves[i])
                for i, l2 in enumerate((1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6))]
    calm, wild = (expect(0.01, trained(jump))[1] for jump in (0.02, 0.3))
    assert wild > 2 * calm
    assert calm < 2 * FLOOR


def test_one_late_starter_makes_the_prior_wide():
    """A gain that the prior thinks impossible: then others may gain as much, and nobody knows."""
    assert expect(0.001, [rising(0.1, 2.0)])[1] > 3 * expect(0.001, [rising(0.1, 0.3)])[1]


def test_gains_count_from_the_best_so_far_to_the_mean_of_the_last_two():
    whole = Observation(0, BASELINE, 0.8, curve=((1, 0.5), (2, 0.2), (3, 0.8), (4, 0.8)))
    assert ODDS.gain(whole, 0.5) == pytest.approx(math.log(4))
    assert ODDS.gain(whole, 1.0) == pytest.approx(0.0)


def test_trainings_of_other_lengths_are_compared_by_their_share():
    short, long = (Observation(0, BASELINE, 0.8, curve=learning(0.8, epochs)) for epochs in (4, 40))
    assert ODDS.gain(short, 0.5) == pytest.approx(ODDS.gain(long, 0.5), abs=0.15)


def test_a_metric_that_is_no_share_is_measured_by_its_rise():
    def grown(end):
        return Observation(0, BASELINE, end, curve=((1, 10.0), (2, end), (3, end)))
    assert scale_of(FINISHED, ((1, 0.5),)).is_proportion
    assert scale_of([grown(70.0), grown(80.0), grown(60.0)], ((1, 5.0),)) == Scale(False, 70.0)
    assert scale_of([grown(70.0)], ((1, 5.0),)) is None
    assert scale_of([grown(10.0)] * 3, ()) is None
