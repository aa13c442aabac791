"""Bayesian search: the suite, and that it looks where it should."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import warnings

import pytest

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.samplers.base import Observation, PastTask
from paddle_transfer.samplers.gp.sampler import ACQUISITIONS
from paddle_transfer.samplers.registry import make_sampler
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.space import Space
from tests.helpers.sampler_suite import (
    BASELINE,
    MIXED,
    PUBLISHED,
    SINGLE,
    SMALL,
    SamplerSuite,
    made_up,
    observe,
)


class TestBayesSampler(SamplerSuite):
    def make(self, *, acquisition="kg", **options):
        return make_sampler("bayes", options={"acquisition": acquisition}, **options)

    def test_the_first_points_need_neither_skopt_nor_numpy(self):
        code = """
import json, pickle, sys
from paddle_transfer.samplers.registry import make_sampler
space, fixed = pickle.load(sys.stdin.buffer)
sampler, points = make_sampler("bayes", baseline=fixed), []
for _ in range(4):
    points.append(sampler.suggest(space, [], points, seed=0))
print(json.dumps([points, sorted({"skopt", "sklearn", "numpy", "scipy"} & set(sys.modules))]))
"""
        run = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(
            (PUBLISHED, BASELINE)), check=True, capture_output=True,
                             env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
        points, loaded = json.loads(run.stdout)
        assert points[0] == BASELINE
        assert len({PUBLISHED.key(point) for point in points}) == 4
        assert not loaded

    @pytest.mark.parametrize("acquisition", ACQUISITIONS)
    def test_a_smooth_optimum_is_found_in_a_dozen_trials(self, acquisition):
        points = self.walk(PUBLISHED, 12, baseline=dict(BASELINE), acquisition=acquisition)
        best = max(map(made_up, PUBLISHED.points()))
        assert max(map(made_up, points)) > best - 0.021

    def test_a_smooth_optimum_is_found_in_a_continuous_space(self):
        # 0.84 is the best with any policy and dropout: only lr counts.
        assert max(map(made_up, self.walk(MIXED, 20))) > 0.838

    def test_a_warning_free_ask(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.make().suggest(PUBLISHED, observe([PUBLISHED.point(i) for i in range(0, 190, 12)]),
                                [], seed=0)

    def test_failed_trials_say_nothing(self):
        points = [PUBLISHED.point(i) for i in (3, 90, 150)]
        good = observe(points)
        failed = [Observation(9, PUBLISHED.point(195), 0.999, "failed")]
        assert self.make().suggest(PUBLISHED, good, [], seed=0) == self.make().suggest(
            PUBLISHED, good + failed, [], seed=0)

    def test_a_divergence_drives_away_from_its_neighbourhood(self):
        line = Space((Choice("lr", tuple(10 ** (-i / 4) for i in range(4, 17)), log=True),))
        values = [(line.point(12), 0.5), (line.point(6), 0.6), (line.point(4), 0.7)]
        finished = [Observation(i, point, value) for i, (point, value) in enumerate(values)]
        higher = self.make().suggest(line, finished, [], seed=0)
        assert line.index(higher) < 4
        diverged = [Observation(3, line.point(2), None, "diverged")]
        nearer = self.make().suggest(line, finished + diverged, [], seed=0)
        assert line.index(nearer) >= 3

    def test_running_points_keep_workers_apart_but_not_away_from_the_good_region(self):
        finished = observe([PUBLISHED.point(i) for i in (5, 60, 100, 140, 190)])
        running = []
        for _ in range(6):
            running.append(self.make().suggest(PUBLISHED, finished, running, seed=0))
        assert len({PUBLISHED.key(point) for point in running}) == 6
        assert sum(point["lr"] in (0.03, 0.01) for point in running) >= 3

    def test_a_repeat_moves_the_estimate_of_its_point(self):
        a, b = PUBLISHED.point(0), PUBLISHED.point(90)
        def estimate(*repeats):
            found = self.make().posterior(PUBLISHED, observe([a, *[b] * len(repeats)],
                                                             [0.5, *repeats]))
            return found.estimates[PUBLISHED.key(b)]
        assert estimate(0.8, 0.7) == pytest.approx(0.75, abs=0.02)
        assert estimate(0.8, 0.7) < estimate(0.8, 0.8) - 0.03

    def test_with_repeats_an_evaluated_point_may_come_again_and_there_is_no_end(self):
        sampler = make_sampler("bayes", allow_repeats=True)
        finished = observe(list(SMALL.points()))
        assert sampler.suggest(SMALL, finished, [], seed=0) is not None
        assert sampler.suggest(SINGLE, [], [SINGLE.point(0)], seed=0) == SINGLE.point(0)

    def test_an_unknown_acquisition_is_named(self):
        with pytest.raises(PaddleTransferError, match=r"there is no 'eii'. Did you mean 'ei'"):
            make_sampler("bayes", options={"acquisition": "eii"})
        with pytest.raises(PaddleTransferError, match=r"there is no 'baies'. Did you mean 'bayes'"):
            make_sampler("baies")

    def test_each_way_to_transfer_has_its_own_best_learning_rate(self):
        """A real search: a rate that was good for all layers is ten times too small for the head
        alone, which the one training of it says."""
        space = Space((Choice("strategy", ("full", "head", "partial", "gradual")),
                       Choice("lr", (0.03, 0.01, 0.003, 0.001))))
        measured = {("full", 0.003): 0.44, ("head", 0.03): 0.5, ("partial", 0.01): 0.31,
                    ("full", 0.03): 0.08, ("head", 0.003): 0.31, ("head", 0.01): 0.375,
                    ("gradual", 0.003): 0.46, ("gradual", 0.001): 0.375, ("gradual", 0.01): 0.17}
        finished = observe([dict(zip(("strategy", "lr"), point, strict=True))
                            for point in measured], list(measured.values()))
        estimates = self.make().posterior(space, finished, gain=False).estimates
        of = {point: estimates[space.key(dict(zip(("strategy", "lr"), point, strict=True)))]
              for point in measured}
        assert of["head", 0.03] > of["head", 0.003]
        assert of["gradual", 0.003] > of["head", 0.003]
        assert of["gradual", 0.003] > of["gradual", 0.01]


@pytest.mark.parametrize(("alike", "placed"), [(None, 2), (False, 1), (True, 0)])
def test_the_first_rates_are_a_decade_to_either_side_unless_a_task_says_more(alike, placed):
    """Three trainings are placed, two with tasks that ship, the first where one is named."""
    told = PastTask("earlier", tuple({**BASELINE, "lr": lr} for lr in (0.1, 0.03, 0.0003)),
                    (2.0, 1.0, -2.0), alike=bool(alike))
    sampler = make_sampler("bayes", baseline=dict(BASELINE),
                           past_tasks=[] if alike is None else [told])
    finished, rates = observe([dict(BASELINE)], [0.5]), []
    for _ in range(2):
        point = sampler.suggest(PUBLISHED, finished, [], seed=0)
        rates.append(point["lr"])
        finished = [*finished, *observe([point], [0.3])]
    away = {0.03, 0.0003}
    assert [rate in away for rate in rates[:placed]] == [True] * placed
    assert placed < 2 or set(rates) == away
    assert placed > 0 or rates[0] not in away
