"""Who won, and when going on is not worth it."""

from __future__ import annotations

import pytest

from benchmarks.synthetic import synthetic_table
from paddle_transfer.samplers.base import LEAST_TRIALS, Observation
from paddle_transfer.samplers.gp.termination import posterior_summary
from paddle_transfer.samplers.registry import make_sampler
from tests.helpers.sampler_suite import BASELINE, MIXED, PUBLISHED, observe


def test_the_winner_is_not_the_luckiest():
    point = {**BASELINE, "lr": 0.01}
    duplicates = [{**point, "l2_decay": l2} for l2 in (1e-3, 1e-4, 1e-5, 1e-6)]
    rivals = [{**one, "mixup": True} for one in duplicates]
    # Four of one kind near 0.80; the lucky one belongs to a kind that is worse on the whole.
    values = [0.801, 0.799, 0.800, 0.802, 0.740, 0.745, 0.803, 0.742]
    found = posterior_summary(PUBLISHED, observe(duplicates + rivals, values))
    assert found.winner["mixup"] is False
    assert max(found.estimates, key=found.estimates.get) == PUBLISHED.key(found.winner)
    assert all(0.78 < found.estimates[PUBLISHED.key(one)] < 0.83
               for one in duplicates), "in units of the metric"
    assert 0.73 < found.estimates[PUBLISHED.key(
        rivals[2])] < 0.775, "the lucky one is drawn to its kind"


def test_a_trial_that_was_pruned_diverged_or_failed_never_wins():
    finished = [
        Observation(0, PUBLISHED.point(0), 0.5),
        Observation(1, PUBLISHED.point(9), 0.9, "pruned"),
        Observation(2, PUBLISHED.point(19), 0.9, "failed"),
        Observation(3, PUBLISHED.point(29), 0.9),
        Observation(4, PUBLISHED.point(29), None, "diverged")
    ]
    assert posterior_summary(PUBLISHED, finished).winner == PUBLISHED.point(0)
    assert posterior_summary(PUBLISHED, finished[1:3]) is None


def test_a_search_ends_by_itself_when_little_is_left_and_not_before():
    regrets = []
    for seed in range(3):
        table = synthetic_table(seed, noise=0.03)
        sampler, finished = make_sampler("bayes", baseline=dict(BASELINE), prior="none"), []
        while not finished or not posterior_summary(table.space, finished).enough:
            point = sampler.suggest(table.space, finished, [], seed=0)
            curve = table.curve(point, 0)
            finished.append(Observation(len(finished), point, curve[-1][1], curve=curve))
        assert LEAST_TRIALS <= len(finished) <= 15
        winner = posterior_summary(table.space, finished).winner
        regrets.append(table.regrets[table.space.index(winner)])
    assert sum(regrets) / len(regrets) < 0.015


@pytest.mark.parametrize("values", [[0.9, 0.88, 0.4, 0.1], [30.0, 29.0, 12.0, 3.0]])
def test_estimates_are_in_units_of_the_metric(values):
    """Near the best as they are, far below it in order; for metrics that are no shares, too."""
    points = [{**BASELINE, "lr": lr} for lr in (0.01, 0.03, 0.001, 0.0001)]
    found = posterior_summary(PUBLISHED, observe(points, values)).estimates
    estimates = [found[PUBLISHED.key(point)] for point in points]
    assert estimates[:2] == pytest.approx(values[:2], abs=0.05 * max(values))
    assert estimates[1] > estimates[2] + 0.2 * max(values) > estimates[3] + 0.4 * max(values)


def test_the_baseline_stays_until_another_point_is_surely_better():
    better = {**BASELINE, "lr": 0.01}
    def winner(*values):
        points = [BASELINE] + [better] * (len(values) - 1)
        return posterior_summary(PUBLISHED, observe(points, list(values)),
                                 baseline=BASELINE).winner
    assert winner(0.800, 0.802) == BASELINE
    assert winner(0.80, 0.86) == better
    alone = posterior_summary(PUBLISHED, observe([BASELINE, better], [0.800, 0.802]))
    assert alone.winner == better


def test_the_gain_may_be_left_out():
    found = posterior_summary(PUBLISHED, observe(
        [{**BASELINE, "lr": lr} for lr in (0.01, 0.03, 0.001)]), gain=False)
    assert found.gain == float("inf")
    assert not found.enough
    assert len(found.estimates) == 3


def test_two_bad_trials_are_no_reason_to_end():
    low = [{**BASELINE, "lr": lr} for lr in (0.0001, 0.0003)] * 4
    assert not posterior_summary(PUBLISHED, observe(low, [0.2, 0.3] * 4)).enough


def test_nothing_is_left_when_everything_was_tried():
    points = list(PUBLISHED.points())
    assert posterior_summary(PUBLISHED, observe(points)).gain == 0.0


def test_a_continuous_space_has_a_posterior():
    points = [{"lr": 0.1 / 2 ** i, "dropout": 0.1, "batch": 16, "policy": "none"} for i in range(5)]
    found = posterior_summary(MIXED, observe(points))
    assert found.winner in points
    assert found.gain > 0
