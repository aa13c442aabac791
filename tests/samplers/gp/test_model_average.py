"""How much the results speak for each model: noise fitted, repeats and running points weighed."""

from __future__ import annotations

import numpy
import pytest

from paddle_transfer.samplers.base import Observation, PastTask
from paddle_transfer.samplers.gp import encoding
from paddle_transfer.samplers.gp.dimension_prior import axis_of
from paddle_transfer.samplers.gp.kernel import SHARED_NOISE, Kernel
from paddle_transfer.samplers.gp.model import MANY, ODDS, model_of
from paddle_transfer.samplers.gp.model_average import candidates, posterior_weights
from tests.helpers.sampler_suite import BASELINE, PUBLISHED, observe

AXES = tuple(axis_of(h) for h in PUBLISHED.hyperparameters)
LINE = [{**BASELINE, "lr": lr, "mixup": mixup}
        for lr in (0.1, 0.03, 0.01, 0.003, 0.001, 0.0003)
        for mixup in (False, True)]


def fitted_noise(deviation: float, *, floor: float = 0.0) -> float:
    rows, rng = encoding.matrix(AXES, LINE), numpy.random.default_rng(0)
    values = -0.3 * (rows[:, 0] + 2.0) ** 2 + deviation * rng.standard_normal(len(rows))
    chosen = posterior_weights(candidates(AXES, (), odds=ODDS), rows, values,
                               numpy.ones(len(rows)), many=MANY, floor=floor)
    return chosen[0][0].training_noise


def test_noise_is_fitted_and_never_below_its_floor():
    assert fitted_noise(0.0) <= SHARED_NOISE < fitted_noise(0.5)
    assert fitted_noise(0.0, floor=0.3) == pytest.approx(0.3)


def test_repeats_take_noise_away_as_far_as_they_are_of_the_same_seeds():
    rows = encoding.matrix(AXES, [BASELINE, {**BASELINE, "l2_decay": 3e-5}])
    once, thrice, mixed = (Kernel(AXES).noise(rows, numpy.array(repeats, dtype=float))
                           for repeats in ((1, 1), (3, 3), (1, 3)))
    assert thrice == pytest.approx(once / 3)
    # of one training and three, one is of the same seed: what they share is a third of it
    assert mixed[0, 1] == pytest.approx(once[0, 1] / 3)
    assert mixed[0, 0] == pytest.approx(once[0, 0])


def test_past_tasks_have_the_prior_odds_before_anything_is_known():
    task = PastTask("other", tuple({"lr": p["lr"], "mixup": p["mixup"]} for p in LINE),
                    tuple(map(float, range(12))))
    shares = [
        weight for kernel, weight in candidates(AXES, (task, ), odds=4.0)
        if kernel.tasks is not None
    ]
    assert sum(shares) == pytest.approx(0.8)
    assert sum(weight for _, weight in candidates(AXES, (task,), odds=4.0)) == pytest.approx(1.0)


def test_a_running_point_counts_as_its_predicted_mean():
    results = observe(LINE[::3])
    running = {**BASELINE, "lr": 0.03}
    rows = encoding.matrix(AXES, [running])
    alone, beside = model_of(PUBLISHED, results), model_of(PUBLISHED, results, [running])
    assert beside.mean(rows) == pytest.approx(alone.mean(rows), abs=1e-6)
    spread = [model.parts[0][1].predict(rows, return_std=True)[1][0] for model in (alone, beside)]
    assert spread[1] < 0.5 * spread[0]


def test_a_divergence_also_tells_of_the_largest_learning_rate():
    results = observe([{**BASELINE, "lr": 0.003}, {**BASELINE, "lr": 0.001}])
    diverged = Observation(2, {**BASELINE, "lr": 0.03}, None, "diverged")
    rows = encoding.matrix(AXES, [{**BASELINE, "lr": 0.1}])
    assert model_of(
        PUBLISHED,
        [*results, diverged]).mean(rows)[0] < model_of(PUBLISHED, results).mean(rows)[0] - 1.0
    assert len(model_of(PUBLISHED, [*results, diverged]).parts[0][1].X_train_) == 4


def test_near_duplicates_in_decay_stay_alike_at_another_rate():
    """What L2 decay does together with other hyperparameters is a small part of what mixup does."""
    base, decayed, mixed = ({**BASELINE, "lr": 0.1, **change}
                            for change in ({}, {"l2_decay": 1e-6}, {"mixup": True}))
    kernel = Kernel(AXES)
    covariance = kernel.signal(*[encoding.matrix(AXES, [base, decayed, mixed])] * 2)
    spread = covariance[0, 0] + numpy.diag(
        covariance) - 2 * covariance[0]  # the variance of the difference from base
    alone = next(axis.prior.amplitude for axis in AXES if axis.name == "l2_decay")
    assert alone ** 2 < spread[1] < 2.5 * alone ** 2 + 1e-9
    assert spread[2] > 10 * spread[1]
