"""Who wins: by the model in a Bayesian search, by the seeds where it was confirmed, else by what
was observed."""

from __future__ import annotations

import pytest

from paddle_transfer.samplers.gp import termination as module
from paddle_transfer.samplers.registry import make_sampler
from paddle_transfer.study.records import TrialRecord
from tests.helpers.records import ranker_of, record, shown_settings
from tests.helpers.sampler_suite import PUBLISHED

#: Two kinds of points, near 0.80 without mixup and 0.74 with it; the luckiest training is of the
#: worse kind.
VALUES = [0.801, 0.799, 0.800, 0.802, 0.740, 0.745, 0.803, 0.742]
POINTS = [{"lr": 0.01, "l2_decay": l2, "label_smoothing": False, "mixup": mixup}
          for mixup in (False, True) for l2 in (1e-3, 1e-4, 1e-5, 1e-6)]


def settings_of(**changes):
    return shown_settings("out", space=PUBLISHED, fixed=None, **changes)


def lucky(states=()):
    return [TrialRecord(i, i, point, 0, state=dict(states).get(i, "complete"), value=value,
                        attempts=1, curve=((1, value), ))
            for i, (point, value) in enumerate(zip(POINTS, VALUES, strict=True))]


def test_the_luckiest_training_does_not_win_a_bayesian_search():
    leaderboard = ranker_of(settings_of()).leaderboard(lucky())
    assert leaderboard.winner.point["mixup"] is False
    assert leaderboard.results[0] is leaderboard.winner
    estimates = [leaderboard.estimate(result.point) for result in leaderboard.results]
    assert estimates == sorted(estimates, reverse=True)
    assert len(leaderboard.estimates) == 8
    assert leaderboard.of(POINTS[6]).value == 0.803, "what was observed stays as it is"


@pytest.mark.parametrize("mode", ["grid", "random"])
def test_elsewhere_the_observed_mean_counts(mode):
    leaderboard = ranker_of(settings_of(search_mode=mode)).leaderboard(lucky())
    assert leaderboard.winner.point == POINTS[6]
    assert leaderboard.estimates == {}


@pytest.mark.parametrize("state", ["pruned", "diverged", "failed"])
def test_only_a_complete_trial_wins(state):
    """Whatever the model would think of it."""
    records = lucky(dict.fromkeys(range(4), state).items())
    leaderboard = ranker_of(settings_of()).leaderboard(records)
    assert leaderboard.winner.point == POINTS[6] or leaderboard.winner.point["mixup"]
    assert all(leaderboard.estimate(point) is None for point in POINTS[:4])
    assert [result.value is None for result in leaderboard.results] == [False] * 4 + [True] * 4


def test_one_trial_is_the_winner_without_a_model(monkeypatch):
    monkeypatch.setattr(module, "posterior_summary",
                        lambda *_, **__: pytest.fail("there is nothing to model"))
    leaderboard = ranker_of(settings_of()).leaderboard(lucky()[:1])
    assert leaderboard.winner.point == POINTS[0]
    assert leaderboard.estimates == {}
    assert ranker_of(settings_of()).leaderboard([]).winner is None


def test_without_a_model_the_best_observed_wins(monkeypatch):
    def broken(*_, **__):
        raise ValueError("a matrix that is not positive definite")
    monkeypatch.setattr(module, "posterior_summary", broken)
    assert ranker_of(settings_of()).leaderboard(lucky()).winner.point == POINTS[6]


def test_earlier_tasks_and_the_size_of_the_validation_list_are_handed_on(monkeypatch):
    seen = []
    monkeypatch.setattr(module, "posterior_summary", lambda *_, **given: seen.append(given))
    for stop in ("none", "auto"):
        settings = settings_of(seed=3, stop=stop)
        sampler = make_sampler("bayes", past_tasks=("a task",), eval_size=800)
        ranker_of(settings, sampler).posterior_summary(lucky())
    assert seen == [{"tasks": ("a task", ), "seed": 3, "eval_size": 800, "gain": gain,
                     "baseline": None, "hyperprior": None}
                    for gain in (False, True)]


def test_it_is_asked_often_and_thinks_once(monkeypatch):
    calls, true = [], module.posterior_summary
    monkeypatch.setattr(module, "posterior_summary",
                        lambda *given, **more: calls.append(1) or true(*given, **more))
    ranker = ranker_of(settings_of())
    first = ranker.leaderboard(lucky())
    assert ranker.leaderboard(lucky()) is first
    assert ranker.posterior_summary(lucky())
    assert len(calls) == 1
    running = [*lucky(), TrialRecord(8, 8, POINTS[0], 1)]
    ranker.leaderboard(running)
    assert len(calls) == 1, "a trial that has only begun changes no model"
    ranker.leaderboard(lucky()[:7])
    assert len(calls) == 2


def test_a_point_that_also_diverged_comes_after_the_others():
    records = [*lucky(), TrialRecord(8, 8, POINTS[3], 1, state="diverged", attempts=1)]
    leaderboard = ranker_of(settings_of()).leaderboard(records)
    assert leaderboard.results[7].point == POINTS[3]
    assert leaderboard.estimate(POINTS[3]) is None


# -- confirmed -------------------------------------------------------------------------------------

def confirmed(values, *, mode="random", **changes):
    """``values[i]``: those of point i, seeds 0, 1, ...; None diverged. Points of lr and mixup, the
    fixed one third."""
    points = [{"lr": lr, "mixup": mixup} for lr in (0.1, 0.01, 0.001) for mixup in (False, True)]
    settings = shown_settings("out", search_mode=mode, confirm=3, fixed=points[2], **changes)
    plan = [(seed, i) for seed in range(3) for i in range(len(values)) if seed < len(values[i])]
    records = [record(number, points[i]["lr"], points[i]["mixup"], value=values[i][seed], seed=seed,
                      suggestion=i, state="complete" if values[i][seed] is not None else "diverged")
               for number, (seed, i) in enumerate(plan)]
    return ranker_of(settings).leaderboard(records), points


def test_the_best_mean_over_seeds_wins():
    leaderboard, points = confirmed([[0.90, 0.80, 0.79], [0.89, 0.88, 0.87], [0.85, 0.86, 0.84],
                                     [0.88, 0.80, 0.81], [0.5]])
    assert leaderboard.winner.point == points[1]
    one = leaderboard.confirmation(points[1])
    assert one.mean == pytest.approx(0.88)
    assert one.error == pytest.approx(0.01 / 3 ** 0.5)
    assert one.seeds == (0, 1, 2)
    assert str(one) == "0.8800 ± 0.0058"
    assert [result.point for result in leaderboard.results] == [points[i] for i in (1, 2, 0, 3, 4)]


def test_a_confirmation_that_is_not_whole_compares_like_with_like():
    """Only the seeds that all have been trained with count."""
    leaderboard, points = confirmed([[0.90, 0.80], [0.89, 0.88, 0.60], [0.85, 0.86], [0.88, 0.80]])
    assert leaderboard.winner.point == points[1]
    assert leaderboard.confirmation(points[1]).seeds == (0, 1)


def test_before_all_have_a_second_seed_nothing_changes():
    leaderboard, points = confirmed([[0.90, 0.10], [0.89], [0.85], [0.88]])
    assert leaderboard.winner.point == points[0]
    assert leaderboard.confirmed == ()


def test_a_point_that_diverges_with_another_seed_does_not_win():
    leaderboard, points = confirmed([[0.90, 0.95, None], [0.89, 0.88, 0.87], [0.85, 0.86, 0.84],
                                     [0.80, 0.80, 0.81]])
    assert leaderboard.winner.point == points[1]
    assert leaderboard.confirmed[-1].point == points[0]


def test_the_fixed_point_may_win():
    leaderboard, points = confirmed([[0.90, 0.70, 0.70], [0.89, 0.70, 0.70], [0.85, 0.86, 0.84],
                                     [0.88, 0.7, 0.7]])
    assert leaderboard.winner.point == points[2] == leaderboard.confirmed[0].point


def test_in_a_bayesian_search_too():
    leaderboard, points = confirmed([[0.90, 0.80, 0.79], [0.89, 0.88, 0.87], [0.85, 0.86, 0.84],
                                     [0.88, 0.80, 0.81]], mode="bayes")
    assert leaderboard.winner.point == points[1]
    assert leaderboard.estimates


def test_a_point_that_was_confirmed_before_better_ones_were_found_stays_confirmed():
    """A search that went on has another best three; the sixth point was among the earlier ones."""
    leaderboard, points = confirmed([[0.90, 0.80, 0.79], [0.89, 0.88, 0.87], [0.85, 0.86, 0.84],
                                     [0.88, 0.80, 0.81], [0.5], [0.87, 0.89, 0.90]])
    assert [one.point for one in leaderboard.confirmed] == [points[i] for i in (5, 1, 2, 0, 3)]
    assert leaderboard.winner.point == points[5]


def test_points_that_were_not_confirmed_come_by_their_estimates():
    leaderboard, _ = confirmed([[0.90, 0.80, 0.79], [0.89, 0.88, 0.87], [0.85, 0.86, 0.84],
                                [0.88, 0.80, 0.81], [0.5], [0.52]], mode="bayes")
    rest = [leaderboard.estimate(one.point) for one in leaderboard.results[4:]]
    assert rest == sorted(rest, reverse=True)
    assert len(rest) == 2
