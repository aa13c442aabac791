"""Optuna's pruners, asked without a past."""

from __future__ import annotations

import warnings
from typing import ClassVar

import optuna
import pytest

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.pruners.optuna import OptunaPruner
from paddle_transfer.pruners.registry import make_pruner
from paddle_transfer.registry import Component
from paddle_transfer.samplers.base import Observation
from tests.helpers.pruner_suite import (
    EPOCHS,
    FINISHED,
    HOPELESS,
    PrunerSuite,
    component,
    learning,
    running,
)
from tests.helpers.sampler_suite import PUBLISHED


class TestMedian(PrunerSuite):
    spec: ClassVar = {"name": "MedianPruner"}

    def make(self):
        return make_pruner(component(self.spec), epochs=EPOCHS)


class TestPercentile(TestMedian):
    spec: ClassVar = {"name": "PercentilePruner", "percentile": 25, "n_startup_trials": 2}


class TestSuccessiveHalving(TestMedian):
    spec: ClassVar = {"name": "SuccessiveHalvingPruner", "reduction_factor": 2}


class TestHyperband(TestMedian):
    spec: ClassVar = {"name": "HyperbandPruner"}


class TestPatient(TestMedian):
    spec: ClassVar = {"name": "PatientPruner", "patience": 2,
                      "wrapped_pruner": {"name": "MedianPruner"}}


class TestThreshold(TestMedian):
    spec: ClassVar = {"name": "ThresholdPruner", "lower": 0.1}


class TestWilcoxon(TestMedian):
    spec: ClassVar = {"name": "WilcoxonPruner"}


class TestNop(TestMedian):
    spec: ClassVar = {"name": "NopPruner"}
    stops = False


@pytest.mark.parametrize("spec", [
    TestMedian.spec, TestSuccessiveHalving.spec, TestHyperband.spec, {
        "name": "PatientPruner", "patience": 1,
        "wrapped_pruner": {"name": "SuccessiveHalvingPruner", "reduction_factor": 2}
    }, {
        "name": "SuccessiveHalvingPruner", "min_resource": 2, "min_early_stopping_rate": 1,
        "reduction_factor": 2
    }
])
def test_the_answers_are_those_of_a_study_that_really_ran(spec):
    """One trial after the other, every epoch reported and asked for, as Optuna's users do."""
    inner = {key: value for key, value in spec.items() if key not in ("name", "wrapped_pruner")}
    if "wrapped_pruner" in spec:
        wrapped = {**spec["wrapped_pruner"]}
        inner["wrapped_pruner"] = getattr(optuna.pruners, wrapped.pop("name"))(**wrapped)
    if spec["name"] == "HyperbandPruner":
        inner["max_resource"] = EPOCHS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # experimental, some of them
        pruner = getattr(optuna.pruners, spec["name"])(**inner)
    study = optuna.create_study(direction="maximize", study_name="paddle_transfer", pruner=pruner)
    ours, finished, answers = make_pruner(component(spec), epochs=EPOCHS), [], []
    for number in range(12):
        trial, stopped, best = study.ask(), False, 0.55 + 0.13 * number % 0.4
        curve = learning(best) if number % 2 else tuple(
            (e, best - 0.01 * e) for e in range(1, EPOCHS + 1))
        for epoch, value in curve[:-1]:
            trial.report(value, epoch)
            stopped = trial.should_prune()
            asked = running(curve[:epoch], number=number)
            if finished:  # where nothing is finished, Optuna's answers are not asked for
                answers.append((ours.should_stop(PUBLISHED, asked, finished, epochs=EPOCHS,
                                                 seed=0), stopped))
            if finished and stopped:
                break
        else:
            trial.report(curve[-1][1], curve[-1][0])
            epoch, stopped = EPOCHS, False
        study.tell(
            trial, None if stopped else curve[-1][1],
            state=optuna.trial.TrialState.PRUNED if stopped else optuna.trial.TrialState.COMPLETE)
        finished.append(Observation(number, PUBLISHED.point(number), curve[epoch - 1][1],
                                    "pruned" if stopped else "complete", curve[:epoch]))
    assert [mine for mine, _ in answers] == [theirs for _, theirs in answers]
    assert {mine for mine, _ in answers} == {True, False}


@pytest.mark.parametrize(
    ("spec", "text"),
    [({"name": "MedianPrunner"
       }, "pruner.name: must be a pruner; found 'MedianPrunner' (a string). Did you mean 'Median"),
     ({"name": "HyperbandPruner", "min_resource": 11
       }, "min_resource must be at most max_resource (10 epochs); found 11"),
     ({
         "name": "PatientPruner", "patience": 1,
         "wrapped_pruner": {"name": "HyperbandPruner", "max_resource": 4, "min_resource": 5}
     }, "at most max_resource (4 epochs)")])
def test_mistakes_are_found_before_anything_is_asked(spec, text):
    with pytest.raises(PaddleTransferError) as caught:
        make_pruner(component(spec), epochs=EPOCHS)
    assert text in str(caught.value)


def test_an_experimental_pruner_is_no_reason_to_warn_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        OptunaPruner(Component("WilcoxonPruner"), epochs=EPOCHS).should_stop(
            PUBLISHED, running(HOPELESS[:5]), FINISHED, epochs=EPOCHS, seed=0)
