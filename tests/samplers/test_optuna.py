"""Optuna's samplers inside a search: the suite, their options, what they are told of the trials."""

from __future__ import annotations

import math
import random
import warnings
from typing import ClassVar

import optuna
import pytest

from paddle_transfer.errors import PaddleTransferError, SetupError
from paddle_transfer.samplers import optuna as module
from paddle_transfer.samplers.base import Observation
from paddle_transfer.samplers.common import Trials
from paddle_transfer.samplers.registry import SAMPLERS, make_sampler
from paddle_transfer.space.hyperparameter import Choice, Range
from paddle_transfer.space.space import Space
from tests.helpers.sampler_suite import (
    CONDITIONAL,
    MIXED,
    PUBLISHED,
    SINGLE,
    SMALL,
    SamplerSuite,
    observe,
)


class TestTPESampler(SamplerSuite):
    name, options = "TPESampler", {"n_startup_trials": 3}

    def make(self, **context):
        return make_sampler(self.name, options=self.options, **context)

    def test_nothing_is_printed(self, capfd):
        self.make().suggest(PUBLISHED, observe([PUBLISHED.point(i) for i in range(20)]), [], seed=0)
        self.make().suggest(self.spaces()[-1], observe([]), [self.spaces()[-1].sample(
            random.Random(0))], seed=0)
        assert capfd.readouterr() == ("", "")

    def test_a_warning_free_ask(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.make().suggest(PUBLISHED, observe([PUBLISHED.point(i) for i in range(20)]), [],
                                seed=0)

    def test_with_repeats_there_is_no_end(self):
        sampler = self.make(allow_repeats=True)
        assert SMALL.contains(sampler.suggest(SMALL, observe(list(SMALL.points())), [], seed=0))
        assert sampler.suggest(SINGLE, [], [SINGLE.point(0)], seed=0) == SINGLE.point(0)


class TestGroupedTPE(TestTPESampler):
    options: ClassVar = {"n_startup_trials": 0, "multivariate": True, "group": True}

    @pytest.fixture(autouse=True)
    def _experimental(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield


class TestRandomSampler(TestTPESampler):
    name, options = "RandomSampler", {}


class TestQMCSampler(TestTPESampler):
    name, options = "QMCSampler", {"scramble": True}


class TestNSGAIISampler(TestTPESampler):
    name, options = "NSGAIISampler", {"population_size": 4}


class TestBruteForceSampler(TestTPESampler):
    name, options, continuous = "BruteForceSampler", {}, False

    def test_a_continuous_range_is_refused_by_name(self):
        with pytest.raises(PaddleTransferError, match="BruteForceSampler needs finite choices, but "
                           "lr, dropout is a continuous range"):
            self.make().suggest(MIXED, [], [], seed=0)


class TestCmaEsSampler(TestTPESampler):
    name, options = "CmaEsSampler", {"popsize": 4}

    @pytest.fixture(autouse=True)
    def _cmaes(self):
        pytest.importorskip("cmaes")


class TestGPSampler(TestTPESampler):
    name, options = "GPSampler", {"n_startup_trials": 3}

    @pytest.fixture(autouse=True)
    def _torch(self):
        pytest.importorskip("torch")


LINE = Space((Range("x", 0.0, 1.0),))
CUBE = Space(tuple(Range(name, 0.0, 1.0) for name in "xyz"))


@pytest.mark.parametrize(("name", "options"), [
    ("TPESampler", {"n_startup_trials": 5}),
    ("NSGAIISampler", {"population_size": 4, "mutation_prob": 0.1}),
    ("CmaEsSampler", {"popsize": 4})])
def test_samplers_learn_from_results(name, options):
    """Also those that note their state in trials, which a search does not store."""
    if name == "CmaEsSampler":
        pytest.importorskip("cmaes")
    sampler, finished = make_sampler(name, options=options), []
    for number in range(40):
        point = sampler.suggest(CUBE, finished, [], seed=0)
        value = 0.9 - sum((x - 0.8) ** 2 for x in point.values()) / 4
        finished.append(Observation(number, point, value))
    assert sum(one.value for one in finished[-10:]) / 10 > 0.81, "0.78 for random points"


def test_a_sequence_goes_on_where_it_was():
    sampler, points = make_sampler("QMCSampler"), [{"x": 0.33}]
    for _ in range(8):
        points.append(sampler.suggest(LINE, observe(points, [0.5] * len(points)), [], seed=0))
    values = sorted(point["x"] for point in points[1:])
    assert values == pytest.approx([i / 8 for i in range(8)]), "Sobol's first eight"


def test_what_the_study_of_a_suggestion_holds():
    sampler = make_sampler("TPESampler")
    off, on = ({"strength": 1, "lr": 0.1, "augment": augment} for augment in (False, True))
    finished = [Observation(0, on, 0.8), Observation(1, off, 0.6, "pruned", ((1, 0.3), (2, 0.6))),
                Observation(2, on, None, "diverged"), Observation(3, on, 0.9, "failed"),
                Observation(4, on, math.nan), Observation(5, {"other": 1}, 0.9)]
    trials = sampler.study(Trials(CONDITIONAL, finished, [off], 0, False)).trials
    assert [(trial.state.name, trial.value) for trial in trials] == [
        ("COMPLETE", 0.8), ("PRUNED", 0.6), ("COMPLETE", pytest.approx(0.4)), ("FAIL", None),
        ("FAIL", None), ("RUNNING", None)]
    assert trials[1].intermediate_values == {1: 0.3, 2: 0.6}
    assert set(trials[0].params) == {"strength", "lr", "augment"}
    assert set(trials[1].params) == {"lr", "augment"}, "what is inactive was not asked for"


def test_numeric_choices_keep_their_order():
    space = Space((Choice("lr", (0.1, 0.001, 0.01, 0.03), log=True), Choice("on", (False, True))))
    sampler = make_sampler("TPESampler")
    study = sampler.study(Trials(space, observe([{"lr": 0.03, "on": True}], [0.5]), [], 0, False))
    assert study.trials[0].params == {"lr": 2, "on": 1}


@pytest.mark.parametrize(("options", "text"), [
    ({"n_startup_trial": 5}, "n_startup_trial: is no argument of TPESampler; found 5 (an integer). "
     "Did you mean 'n_startup_trials'?"),
    ({"n_startup_trials": "five"}, "n_startup_trials: must be a valid integer; found 'five'"),
    ({"gamma": 3}, "gamma: cannot be given in a search file; found 3 (an integer)"),
    ({"seed": 3}, "seed: cannot be given in a search file; found 3 (an integer)"),
    ({"group": True, "multivariate": False}, "sampler: TPESampler refuses its options: ``group``"),
])
def test_options_are_those_of_the_constructor(options, text):
    with pytest.raises(PaddleTransferError) as caught:
        make_sampler("TPESampler", options=options)
    assert text in str(caught.value)


def test_names_are_looked_up_in_optuna():
    for name in ("TPESampler", "QMCSampler", "NSGAIIISampler"):
        assert name in SAMPLERS
        assert SAMPLERS[name] is SAMPLERS[name]
        assert SAMPLERS[name].name == name
    assert SAMPLERS["BruteForceSampler"].needs_finite_space
    for name in ("GridSampler", "PartialFixedSampler", "BaseSampler", "BaseGASampler", "NoSampler"):
        assert name not in SAMPLERS, "what a search file cannot build"
    with pytest.raises(PaddleTransferError, match="Did you mean 'TPESampler'"):
        make_sampler("TPESampller")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(module, "find_spec", {}.get)
    with pytest.raises(SetupError, match="CmaEsSampler needs the package cmaes"):
        make_sampler("CmaEsSampler")
