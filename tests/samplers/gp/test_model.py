"""The average of processes: its arithmetic, what repeats, running and diverged trials tell it."""

from __future__ import annotations

import numpy
import pytest

from paddle_transfer.samplers.base import Observation
from paddle_transfer.samplers.gp import encoding
from paddle_transfer.samplers.gp.acquisition import knowledge_gradient
from paddle_transfer.samplers.gp.dimension_prior import axis_of
from paddle_transfer.samplers.gp.hyperprior import draw, fitted
from paddle_transfer.samplers.gp.kernel import Prior, Trainings
from paddle_transfer.samplers.gp.model import JITTER, model_of
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.space import Space
from tests.helpers.sampler_suite import BASELINE, PUBLISHED, observe

AXES = tuple(axis_of(h) for h in PUBLISHED.hyperparameters)
LINE = [{**BASELINE, "lr": lr, "mixup": mixup}
        for lr in (0.1, 0.03, 0.01, 0.003, 0.001, 0.0003)
        for mixup in (False, True)]


def rows_of(*points):
    return encoding.matrix(AXES, points)


def medians(**fixed) -> Prior:
    """One set of parameters."""
    parameters = {name: numpy.array([fixed.get(name, median)])
                  for name, (median, _) in fitted().items()}
    parameters["amplitudes"] = numpy.ones((1, len(AXES)))
    return Prior(AXES, parameters, rows_of(BASELINE)[0])


def test_means_and_deviations_are_those_of_the_textbook():
    """Rasmussen & Williams (2006), equations 2.25 and 2.26, for the heaviest set."""
    results = observe(LINE[::3])
    model = model_of(PUBLISHED, results, baseline=dict(BASELINE))
    one, rows = model.prior.take(numpy.array([0])), rows_of(*LINE)
    known, new = model.trainings, rows
    noise = one.noise(known, known)[0] + numpy.eye(len(results)) * (
        one.parameters["own_noise"][0] ** 2 + JITTER)
    inverse = numpy.linalg.inv(one.covariance(known.rows, known.rows)[0] + noise)
    cross = one.covariance(new, known.rows)[0]
    mean = one.mean(new)[0] + cross @ inverse @ (model.data.values - one.mean(known.rows)[0])
    variance = one.variance()[0] - numpy.einsum("nk,kl,nl->n", cross, inverse, cross)
    means, deviations = model.predict(new)
    assert means[0] == pytest.approx(mean, abs=1e-8)
    assert deviations[0] == pytest.approx(numpy.sqrt(variance), abs=1e-6)


def test_every_set_has_a_positive_definite_covariance_and_the_same_ones_come_again():
    prior = Prior(AXES, draw(fitted(), PUBLISHED.names), rows_of(BASELINE)[0])
    rows = encoding.table(AXES, PUBLISHED)[::5]
    covariance = prior.covariance(rows, rows)
    assert numpy.linalg.eigvalsh(covariance).min() > -1e-8
    again = Prior(AXES, draw(fitted(), PUBLISHED.names))
    assert numpy.array_equal(covariance, again.covariance(rows, rows))
    # a variance is the same everywhere
    assert numpy.diagonal(covariance, axis1=1, axis2=2) == pytest.approx(
        numpy.broadcast_to(prior.variance(), (len(prior), len(rows))))


def test_the_mean_falls_on_both_sides_of_the_best_rate_and_away_from_the_baseline():
    prior = medians(peak=0.0, rise=0.5, fall=2.0)  # the middle of 1e-4 .. 0.1 is 10 ** -2.5
    points = [{**BASELINE, "lr": lr} for lr in (0.1, 0.01, 0.001, 0.0001)]
    assert prior.mean(rows_of(*points))[0] == pytest.approx([-3.0, -1.0, -0.25, -0.75])
    mixed = [{**point, "mixup": True} for point in points]
    assert prior.mean(rows_of(*mixed)) == pytest.approx(
        prior.mean(rows_of(*points)) - fitted()["leaving"][0])


def test_noise_is_shared_by_values_of_a_weak_setting_with_the_same_seed_only():
    twin, rival = {**BASELINE, "l2_decay": 3e-5}, {**BASELINE, "mixup": True}
    rows, below = rows_of(BASELINE, twin, rival, BASELINE), numpy.zeros((1, 4))
    noise = medians().noise(*[Trainings(rows, numpy.array([0, 0, 0, 1]), below)] * 2)[0]
    assert noise[0, 1] > 0.9 * noise[0, 0] > 0.0
    assert noise[0, 2] == noise[0, 3] == 0.0
    far = medians().noise_variance(Trainings(rows, numpy.zeros(4, int), below + 2.0))
    assert (far > medians().noise_variance(Trainings(rows, numpy.zeros(4, int), below))).all()


def test_the_noise_has_a_floor():
    results, rows = observe(LINE[:4]), rows_of(BASELINE)
    def noise(eval_size):
        prior = model_of(PUBLISHED, results, eval_size=eval_size).prior
        return prior.noise_variance(Trainings(rows, numpy.zeros(1, int), numpy.zeros((1, 1))))
    assert (noise(20) > 0.5 / (20 * 0.25)).all()
    assert noise(10 ** 9).max() < 0.1


def test_a_running_point_counts_as_its_predicted_mean():
    results = observe(LINE[::3])
    running = {**BASELINE, "lr": 0.03}
    rows = rows_of(running)
    alone, beside = model_of(PUBLISHED, results), model_of(PUBLISHED, results, [running])
    everywhere = encoding.table(AXES, PUBLISHED)
    assert beside.mean(everywhere) == pytest.approx(alone.mean(everywhere), abs=1e-6)
    assert (beside.predict(rows)[1] < 0.9 * alone.predict(rows)[1]).all()


def test_a_divergence_also_tells_of_the_largest_learning_rate():
    results = observe([{**BASELINE, "lr": 0.003}, {**BASELINE, "lr": 0.001}])
    diverged = Observation(2, {**BASELINE, "lr": 0.03}, None, "diverged")
    rows = rows_of({**BASELINE, "lr": 0.1})
    after = model_of(PUBLISHED, [*results, diverged])
    assert after.mean(rows)[0] < model_of(PUBLISHED, results).mean(rows)[0] - 0.2
    assert len(after.trainings.rows) == 4


def test_many_results_are_all_conditioned_on():
    results = observe([PUBLISHED.point(i) for i in range(0, 196, 2)])
    assert len(model_of(PUBLISHED, results).trainings.rows) == 98


def test_what_a_training_is_worth_is_what_simulated_trainings_gain():
    """The integral against 4,000 drawn results, each conditioned on anew."""
    results = observe(LINE[:6:2], [0.70, 0.76, 0.74])
    model = model_of(PUBLISHED, results, baseline=dict(BASELINE))
    one = numpy.array([0])
    single = type(model)(model.axes, model.data, (), model.prior.take(one), numpy.ones(1),
                         model.trainings, model._lower[one], model._alpha[one])
    candidate = rows_of({**BASELINE, "lr": 0.001})
    expected = knowledge_gradient(single, candidate, numpy.zeros(1, int))[0]
    tried = rows_of(*LINE[:6:2])
    both = numpy.vstack([tried, candidate])
    means, covariance = (part[0] for part in single.joint(both))
    below = numpy.maximum(0.0, single.data.values.max() - means[-1:])[None]
    noise = single.prior.noise_variance(Trainings(candidate, numpy.zeros(1, int), below))[0, 0]
    seen = numpy.random.default_rng(0).normal(0.0, numpy.sqrt(covariance[-1, -1] + noise), 4000)
    moved = means + seen[:, None] * covariance[-1] / (covariance[-1, -1] + noise)
    assert expected == pytest.approx(moved.max(axis=1).mean() - means[:-1].max(), abs=0.01)


def test_a_twin_of_the_best_point_is_worth_less_than_another_rate():
    results = observe([BASELINE, {**BASELINE, "lr": 0.01}], [0.70, 0.80])
    model = model_of(PUBLISHED, results, baseline=dict(BASELINE))
    best = {**BASELINE, "lr": 0.01}
    twin, rate = knowledge_gradient(model, rows_of({**best, "l2_decay": 3e-5},
                                                   {**best, "lr": 0.03}), numpy.zeros(2, int))
    assert rate > 3 * twin


def test_what_repeats_differ_by_is_learnt_as_noise():
    points = [BASELINE, BASELINE, {**BASELINE, "lr": 0.01}, {**BASELINE, "lr": 0.01}]
    alike, apart = (model_of(PUBLISHED, observe(points, values), baseline=dict(BASELINE)).noise
                    for values in ([0.70, 0.70, 0.75, 0.75], [0.65, 0.75, 0.80, 0.70]))
    assert apart > 1.5 * alike


def test_another_seed_of_a_point_is_worth_more_the_noisier_trainings_are():
    results = observe([BASELINE, {**BASELINE, "lr": 0.01}], [0.79, 0.80])
    def worth(noise):
        belief = {**fitted(), "shared_noise": (noise, 0.1), "own_noise": (noise, 0.1)}
        model = model_of(PUBLISHED, results, baseline=dict(BASELINE), hyperprior=belief)
        return knowledge_gradient(model, rows_of({**BASELINE, "lr": 0.01}), numpy.ones(1, int))[0]
    assert worth(0.2) > 2 * worth(0.02)


@pytest.mark.parametrize("name", ["strategy", "pretrained", "optimizer"])
def test_the_best_rate_may_differ_between_values_of_what_moderates_it(name):
    space = Space((Choice("lr", (0.1, 0.03, 0.01, 0.003, 0.001), log=True),
                   Choice(name, ("a", "b"))))
    values = {0.1: (0.80, 0.4), 0.01: (0.60, 0.7), 0.001: (0.4, 0.8)}
    points = [{"lr": lr, name: which} for lr in values for which in ("a", "b")]
    model = model_of(space, observe(points, [v for pair in values.values() for v in pair]))
    axes = tuple(axis_of(h) for h in space.hyperparameters)
    means = dict(zip(((p["lr"], p[name]) for p in points),
                     model.mean(encoding.matrix(axes, points)), strict=True))
    assert means[0.1, "a"] > means[0.01, "a"] > means[0.001, "a"]
    assert means[0.1, "b"] < means[0.01, "b"] < means[0.001, "b"]
