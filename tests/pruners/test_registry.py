"""From the search file's ``pruner`` to what the driver asks."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import pytest
from typing_extensions import override

from paddle_transfer.config.rules import Rule
from paddle_transfer.config.validation import Options
from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.loop.driver import Driver
from paddle_transfer.loop.pruning import trial_pruner
from paddle_transfer.loop.trial_folder import TrialFolders
from paddle_transfer.pruners.base import Length, Pruner, RegisteredPruner
from paddle_transfer.pruners.curve import CurvesPruner
from paddle_transfer.pruners.optuna import OptunaPruner
from paddle_transfer.pruners.registry import PRUNERS, TrialPruner, make_pruner
from paddle_transfer.registry import Component
from paddle_transfer.samplers.registry import make_sampler
from paddle_transfer.space.optimizers import warmup_epochs
from paddle_transfer.stages.plan import make_plan
from paddle_transfer.study.store import open_store
from tests.helpers.fakes import FakeExecutor, Play
from tests.helpers.pruner_suite import PrunerSuite
from tests.helpers.records import record, shown_settings
from tests.helpers.settings import change
from tests.helpers.tiny_search import tiny_settings
from tests.helpers.virtual_search import scheduler_of


class Recorded(Pruner):
    """Writes down what it is asked, and says what it is told to."""

    def __init__(self, answer=True):
        self.answer, self.asked = answer, []

    @override
    def should_stop(self, space, trial, finished, *, epochs, seed):
        self.asked.append((trial, list(finished), epochs, seed))
        return self.answer


def running(number, lr, **changes):
    return record(number, lr, value=0.5, state="running", **changes)


def adapter(settings, pruner, epochs=7):
    return TrialPruner(pruner, space=settings.space, length=lambda _: Length(epochs), seed=3)


def test_names():
    assert make_pruner(None, epochs=5) is None
    assert make_pruner(Component("none"), epochs=5) is None
    assert isinstance(make_pruner(Component("auto"), epochs=5), CurvesPruner)
    assert isinstance(make_pruner(Component("HyperbandPruner"), epochs=5), OptunaPruner)
    with pytest.raises(PaddleTransferError, match="Did you mean 'auto'"):
        make_pruner(Component("auto_"), epochs=5)


class BelowPruner(RegisteredPruner):
    """A toy: stops what is below a value."""

    class BelowOptions(Options):
        value: Annotated[float, Rule("must be a number")] = 0.1

    name, options = "below", BelowOptions

    def __init__(self, value=0.1):
        self.value = value

    @classmethod
    @override
    def build(cls, options, *, epochs):
        return cls(options.value / epochs)

    @override
    def should_stop(self, space, trial, finished, *, epochs, seed):
        usable = any(one.state in ("complete", "pruned") for one in finished)
        epoch, value = (trial.curve or [(epochs, 0.0)])[-1]
        return usable and epoch < epochs and value < self.value


class TestBelow(PrunerSuite):
    """The suite runs on pruners from outside."""

    def make(self):
        return BelowPruner()


@pytest.fixture
def toy():
    PRUNERS.register("below", BelowPruner)
    yield
    PRUNERS.unregister("below")


@pytest.mark.usefixtures("toy")
def test_a_pruner_from_outside_is_built_with_its_options():
    assert make_pruner(Component("below", {"value": 0.5}), epochs=5).value == 0.1
    with pytest.raises(PaddleTransferError, match=r"pruner.value: must be a number; found 'x'"):
        make_pruner(Component("below", {"value": "x"}), epochs=5)


def test_no_name_of_this_package_imports_a_heavy_library():
    code = """
import sys
from paddle_transfer.pruners.registry import PRUNERS
assert all(PRUNERS[name].options for name in PRUNERS)
print({"optuna", "numpy", "skopt"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_what_the_pruner_is_asked(tmp_path):
    settings, pruner = shown_settings(tmp_path), Recorded()
    done = [
        record(0, 0.01, value=0.8),
        record(1, 0.01, value=0.8, reused=0),
        record(2, 0.1, state="failed")
    ]
    mine, other = running(3, 0.1, mixup=True), running(4, 0.001)
    assert adapter(settings, pruner).should_stop(mine, [*done, mine, other])
    [(trial, finished, epochs, seed)] = pruner.asked
    assert (trial.number, trial.state, trial.curve, trial.value) == (3, "running", mine.curve, None)
    assert [o.number for o in finished] == [0, 2]
    assert (epochs, seed) == (7, 3)


def test_repeats_of_a_whole_training_are_never_stopped(tmp_path):
    settings, pruner = shown_settings(tmp_path), Recorded()
    mine = running(1, 0.1)
    whole, stopped = record(0, 0.1, value=0.8), record(0, 0.1, value=0.8, state="pruned")
    assert not adapter(settings, pruner).should_stop(mine, [whole, mine])
    assert not pruner.asked
    assert adapter(settings, pruner).should_stop(mine, [stopped, mine])


def test_a_trial_is_not_judged_in_its_warmup(tmp_path):
    settings, pruner = shown_settings(tmp_path), Recorded()
    adapter = TrialPruner(pruner, space=settings.space, length=lambda _: Length(9, 2), seed=0)
    done, early = record(0, 0.01, value=0.8), running(1, 0.1, curve=[(1, 0.1), (2, 0.1)])
    assert not adapter.should_stop(early, [done, early])
    assert not pruner.asked
    later = running(1, 0.1, curve=[(1, 0.1), (2, 0.1), (3, 0.1)])
    assert adapter.should_stop(later, [done, later])


def pruner_of(settings, component):
    return trial_pruner(component, base=settings.base, space=settings.space, stages=settings.stages,
                        repeats=settings.repeats)


def test_epochs_are_those_of_the_point(tmp_path):
    settings = shown_settings(tmp_path, seed=0)
    pruner = pruner_of(settings, Component("auto"))
    pruner._pruner = asked = Recorded()
    mine = running(1, 0.1)
    pruner.should_stop(mine, [mine])
    assert asked.asked[0][2] == settings.base_config["Global"]["epochs"]


def test_the_warmup_is_that_of_the_config(tmp_path):
    settings = shown_settings(tmp_path, seed=0)
    settings.base_config["Optimizer"]["lr"]["warmup_epoch"] = 1
    pruner = pruner_of(settings, Component("auto"))
    pruner._pruner = asked = Recorded()
    for epochs in (1, 2):
        mine = running(1, 0.1, curve=[(epoch, 0.5) for epoch in range(1, epochs + 1)])
        assert pruner.should_stop(mine, [mine]) == (epochs == 2)
    assert len(asked.asked) == 1


def test_a_constant_rate_has_no_warmup():
    def config(name, epochs):
        return {"Optimizer": {"name": "Momentum", "lr": {"name": name, "warmup_epoch": epochs}}}

    assert warmup_epochs(config("Cosine", 2)) == 2
    assert warmup_epochs(config("Constant", 2)) == 0
    assert warmup_epochs({"Optimizer": {"name": "Momentum", "lr": 0.1}}) == 0
    several = [{"SGD": {"scope": "backbone", **config("Cosine", one)["Optimizer"]}}
               for one in (1, 3)]
    assert warmup_epochs({"Optimizer": several}) == 3


def test_greedy_searches_prune_nothing_but_mistakes_are_named(tmp_path):
    settings = shown_settings(tmp_path, search_mode="greedy")
    plan = make_plan(settings.base_config, settings.keys, None)
    settings = change(settings, plan=plan, space=plan.space())
    assert pruner_of(settings, Component("auto")) is None
    assert pruner_of(settings, None) is None
    with pytest.raises(PaddleTransferError, match=r"pruner\.name"):
        pruner_of(settings, Component("x"))


def test_a_search_with_a_pruner_ends_hopeless_trials_early(tmp_path):
    """The driver stops what our own pruner calls hopeless, and the search goes on."""
    settings = tiny_settings(tmp_path, values={"lr": [0.1, 0.03, 0.01, 0.001, 0.0001]})
    ends = (0.8, 0.83, 0.82, 0.15, 0.1)
    store = open_store(output_dir=settings.output_dir, space=settings.space)
    pruner = TrialPruner(CurvesPruner(), space=settings.space, length=lambda _: Length(6), seed=0)
    Driver(
        scheduler=scheduler_of(settings, make_sampler("grid")), store=store,
        pruner=pruner, executor=FakeExecutor(
            slots=1,
            script=lambda job: Play(epochs=6, value=ends[job.number])), trial_folders=TrialFolders(
                settings.output_dir, write_config=lambda _, path: path.write_text("{}"))).run()
    records = store.records()
    assert [one.state for one in records] == ["complete"] * 3 + ["pruned"] * 2
    assert 2 <= len(records[3].curve) < 6
    assert len(records[2].curve) == 6
