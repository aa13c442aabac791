"""Samplers by name: what each can do, and samplers from outside the package."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import pytest
from typing_extensions import override

from paddle_transfer.config.rules import whole
from paddle_transfer.config.validation import Options
from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.samplers.base import SamplerContext
from paddle_transfer.samplers.common import SamplerBase
from paddle_transfer.samplers.registry import SAMPLERS, make_sampler
from tests.helpers.sampler_suite import MIXED, SMALL, SamplerSuite, observe


class EveryNth(SamplerBase):
    """A toy: every n-th point of a finite space, then the others."""

    class NthOptions(Options):
        n: Annotated[int, whole(1)] = 2

    name, options = "every_nth", NthOptions
    needs_finite_space = True
    supports_repeats = uses_results = False

    def __init__(self, context=None, n=2):
        super().__init__(context)
        self.n = n

    @classmethod
    @override
    def build(cls, options, context):
        return cls(context, options.n)

    @override
    def propose(self, trials):
        space = trials.space
        order = sorted(range(space.size), key=lambda i: (i % self.n, i))
        return next(space.point(i) for i in order
                    if space.key(space.point(i)) not in trials.taken)


@pytest.fixture
def toy():
    SAMPLERS.register("every_nth", EveryNth)
    yield
    SAMPLERS.unregister("every_nth")


@pytest.mark.parametrize(("name", "capabilities"), [
    ("grid", "needs_finite_space exhaustive supports_baseline"),
    ("random", "supports_repeats supports_baseline"),
    ("bayes", "has_posterior supports_repeats supports_baseline uses_results"),
    ("greedy", "needs_finite_space uses_stages uses_results"),
    ("TPESampler", "supports_repeats supports_baseline uses_results"),
    ("BruteForceSampler", "needs_finite_space supports_repeats supports_baseline"),
])
def test_what_each_sampler_can_do(name, capabilities):
    known = ("needs_finite_space", "has_posterior", "supports_repeats", "supports_baseline",
             "uses_stages", "exhaustive", "uses_results")
    sampler = SAMPLERS[name]
    assert {one for one in known if getattr(sampler, one)} == set(capabilities.split())
    assert sampler.name == name


def test_how_many_points_are_tried_by_default():
    assert SAMPLERS["grid"].max_trials(SMALL) == 18
    assert SAMPLERS["grid"].max_trials(MIXED) is None
    assert SAMPLERS["bayes"].max_trials(SMALL) is None


@pytest.mark.usefixtures("toy")
def test_a_sampler_from_outside_is_built_with_its_options():
    sampler = make_sampler("every_nth", options={"n": 3})
    assert sampler.suggest(SMALL, observe([SMALL.point(0)]), [], seed=0) == SMALL.point(3)
    assert "every_nth" in SAMPLERS.names()
    with pytest.raises(PaddleTransferError, match="n: must be a whole number, 1 or more; found 0"):
        make_sampler("every_nth", options={"n": 0})
    with pytest.raises(PaddleTransferError, match="m: is no argument of every_nth"):
        make_sampler("every_nth", options={"m": 1})


class TestEveryNth(SamplerSuite):
    """The suite runs on samplers from outside; that this one refuses continuous ranges is
    declared."""

    continuous = False

    def make(self, *, baseline=None):
        return EveryNth(SamplerContext(baseline=baseline))


def test_only_names_of_optuna_import_it():
    code = """
import sys
from paddle_transfer.samplers.registry import SAMPLERS
assert "bayes" in SAMPLERS and "byes" not in SAMPLERS
assert [SAMPLERS[name].options for name in ("grid", "random", "bayes", "greedy")]
print("optuna" in sys.modules, "TPESampler" in SAMPLERS, "optuna" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "True"]
