"""Our sampler in a plain Optuna study."""

from __future__ import annotations

import math

import optuna
import pytest

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.optuna import TransferSampler
from tests.helpers.sampler_suite import (
    BASELINE,
    PUBLISHED,
    SamplerSuite,
    observe,
)
from tests.helpers.transfer_study import TransferStudy


class TestTransferSampler(SamplerSuite):
    conditional, ends = False, False

    def make(self, **options):
        return TransferStudy(**options)


def objective(trial: optuna.Trial) -> float:
    lr = trial.suggest_float("lr", 1e-4, 1e-1, log=True)
    dropout = trial.suggest_float("dropout", 0.0, 0.5, step=0.1)
    epochs = trial.suggest_int("epochs", 10, 50, step=10)
    trial.suggest_int("width", 8, 64)
    trial.suggest_categorical("mixup", [False, True])
    trial.suggest_categorical("net", ["small"])
    return 0.9 - 0.1 * math.log10(lr / 0.02) ** 2 - dropout / 10 - (50 - epochs) / 1000


def optimized(direction="maximize", sign=lambda value: value, trials=15, **options) -> optuna.Study:
    study = optuna.create_study(direction=direction, sampler=TransferSampler(seed=0, **options))
    study.optimize(lambda trial: sign(objective(trial)), n_trials=trials)
    return study


def test_a_study_of_all_kinds_of_parameters_comes_to_its_optimum():
    study = optimized()
    assert study.best_value > 0.88
    assert len({tuple(trial.params.items()) for trial in study.trials}) == 15
    assert {trial.params["net"] for trial in study.trials} == {"small"}


def test_to_minimise_an_error_rate_is_to_maximise_one_minus_it():
    up, down = optimized(trials=8), optimized("minimize", lambda value: 1.0 - value, trials=8)
    assert [trial.params for trial in up.trials] == [trial.params for trial in down.trials]


def test_a_loss_is_minimised():
    study = optimized("minimize", lambda value: 30.0 * (1.0 - value))
    assert study.best_value < 30 * 0.12


def test_the_first_trial_is_the_baseline():
    baseline = {"lr": 0.003, "dropout": 0.2, "epochs": 20, "width": 16, "mixup": False,
                "net": "small"}
    trials = optimized(trials=4, baseline=baseline).trials
    assert trials[0].params == baseline
    assert baseline not in [trial.params for trial in trials[1:]]


def test_a_parameter_that_only_some_trials_have_is_drawn_at_random():
    def sometimes(trial):
        lr = trial.suggest_float("lr", 1e-4, 1e-1, log=True)
        if trial.number % 2:
            trial.suggest_float("momentum", 0.5, 0.99)
        return 0.9 - 0.1 * math.log10(lr / 0.02) ** 2
    study = optuna.create_study(direction="maximize", sampler=TransferSampler(seed=0))
    study.optimize(sometimes, n_trials=12)
    assert study.best_value > 0.89
    drawn = [trial.params["momentum"] for trial in study.trials[1::2]]
    assert len(set(drawn)) == 6


def test_pruned_trials_count_as_extrapolated():
    """A value that is low after the first epoch only does not speak against its point."""
    space = {"x": optuna.distributions.FloatDistribution(0.0, 1.0)}

    def then(state, curve):
        study = optuna.create_study(direction="maximize", sampler=TransferSampler(seed=0))
        for x in (0.4, 0.45, 0.5):
            whole = {epoch: 0.5 + 0.4 * x - 0.3 / (epoch + 1) for epoch in range(8)}
            study.add_trial(optuna.trial.create_trial(params={"x": x}, distributions=space,
                                                value=whole[7], intermediate_values=whole))
        study.add_trial(optuna.trial.create_trial(
            params={"x": 0.8}, distributions=space, value=0.52, state=state,
            intermediate_values=curve))
        return study.ask(space).params["x"]

    assert then(optuna.trial.TrialState.PRUNED, {0: 0.52}) > 0.5
    assert then(optuna.trial.TrialState.COMPLETE, {}) < 0.5


def test_intermediate_values_of_something_else_do_not_count():
    def trained(trial, *, report):
        x = trial.suggest_float("x", 0.0, 1.0)
        if report:
            trial.report(1000.0 * x, 0)
        return 0.9 - (x - 0.3) ** 2
    params = []
    for report in (False, True):
        study = optuna.create_study(direction="maximize", sampler=TransferSampler(seed=0))
        study.optimize(lambda trial, report=report: trained(trial, report=report), n_trials=6)
        params.append([trial.params for trial in study.trials])
    assert params[0] == params[1]


def test_the_shipped_prior_matters():
    finished = observe([BASELINE, {**BASELINE, "lr": 0.03}])  # before, both begin alike
    known, unknown = (TransferStudy(prior=prior).suggest(PUBLISHED, finished, [], seed=0)
                      for prior in ("shipped", "none"))
    assert known != unknown


def test_it_is_the_search_modes_own_sampler():
    from paddle_transfer.samplers.registry import make_sampler
    finished = observe([PUBLISHED.point(i) for i in range(0, 190, 12)])
    assert TransferStudy().suggest(PUBLISHED, finished, [], seed=0) == make_sampler(
        "bayes").suggest(PUBLISHED, finished, [], seed=0)


def test_a_storage_that_several_programs_share():
    """Each has a sampler of its own, and trials of the others are under way."""
    studies = [optuna.create_study(direction="maximize", sampler=TransferSampler(seed=0))]
    studies.append(optuna.load_study(study_name=studies[0].study_name, storage=studies[0]._storage,
                                     sampler=TransferSampler(seed=0)))
    space = {"lr": optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True)}
    trials = [studies[i % 2].ask(space) for i in range(4)]
    assert len({trial.params["lr"] for trial in trials}) == 4
    studies[1].tell(trials[1], 0.5)
    assert studies[0].ask(space).params["lr"] not in [trial.params["lr"] for trial in trials]


def test_what_is_refused():
    with pytest.raises(PaddleTransferError, match=r"there is no 'shiped'. Did you mean 'shipped'"):
        TransferSampler(prior="shiped")
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=TransferSampler())
    study.tell(study.ask({"x": optuna.distributions.FloatDistribution(0, 1)}), (1.0, 2.0))
    with pytest.raises(ValueError, match="one objective"):
        study.ask({"x": optuna.distributions.FloatDistribution(0, 1)})
