"""The duties of every sampler, as tests.

A test class inherits ``SamplerSuite`` and says how to build its sampler; see ``tests/suggest``.
"""

from __future__ import annotations

import functools
import math
import pickle
import random

import pytest

from paddle_transfer.samplers.base import Observation, Sampler
from paddle_transfer.space.hyperparameter import Choice, Range
from paddle_transfer.space.space import Point, Space
from tests.helpers.other_process import call_elsewhere

PUBLISHED = Space((Choice("lr", (0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001), log=True),
                   Choice("l2_decay", (1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6), log=True),
                   Choice("label_smoothing", (False, True)), Choice("mixup", (False, True))))
BASELINE = {"lr": 0.003, "l2_decay": 1e-4, "label_smoothing": False, "mixup": False}
SMALL = Space((Choice("lr", (0.1, 0.01, 0.001),
                      log=True), Choice("net", ("a", "b", None)), Choice("on", (False, True))))
SINGLE = Space((Choice("lr", (0.1,)), Choice("net", ("a",))))
ODD = Space((Choice("l2_decay", (0, 1e-5, 1e-4),
                    log=True), Choice("size", ([28, 28], [32, 32])), Choice("n", (1, 2, 4))))
CONDITIONAL = Space((Choice("strength", (1, 5, 9), condition=(("augment", (True, )), )),
                     Choice("lr", (0.1, 0.01), log=True), Choice("augment", (False, True))))
MIXED = Space((Range("lr", 1e-4, 1e-1, log=True), Range("dropout", 0.0, 0.5),
               Range("batch", 8, 64, integer=True), Choice("policy", ("none", "auto", "rand"))))


def suggest(sampler: Sampler, *args: object, seed: int) -> Point | None:
    """``sampler.suggest``, for another process."""
    return sampler.suggest(*args, seed=seed)


def observe(points: list[Point], values: list[float] | None = None,
            state: str = "complete") -> list[Observation]:
    """Observations of ``points``; without ``values`` those of a smooth made-up metric of the
    published axes."""
    values = values or [made_up(point) for point in points]
    return [Observation(i, point, value if state == "complete" else None, state)
            for i, (point, value) in enumerate(zip(points, values, strict=True))]


def made_up(point: Point) -> float:
    """A smooth metric in 0..1 that is best at lr 0.02; other settings count a little."""
    lr = math.log10(point.get("lr", 0.01)) - math.log10(0.02)
    return round(0.9 - 0.1 * lr * lr - 0.02 * sum(map(bool, list(point.values())[1:])), 6)


class SamplerSuite:
    """Inherit and define ``make``; a class attribute declares what a sampler does not do."""

    #: False where continuous ranges are refused
    continuous = True
    #: False where conditions of hyperparameters are not known
    conditional = True
    #: False where points already evaluated may come again (drawn with replacement)
    always_new = True
    #: False where evaluated points come again when there are no others, instead of None
    ends = True

    def make(self, **options) -> Sampler:
        """The sampler under test. ``options``: ``baseline``."""
        raise NotImplementedError

    def walk(self, space: Space, steps: int, *, seed: int = 0, workers: int = 1,
             state: str = "complete", **options) -> list[Point]:
        """The points of a search that keeps ``workers`` trials running, the oldest finishing
        first."""
        sampler, finished, running, points = self.make(**options), [], [], []
        for _ in range(steps):
            if len(running) == workers:
                oldest = running.pop(0)
                value = made_up(oldest) if state == "complete" else None
                finished.append(Observation(len(finished), oldest, value, state))
            point = sampler.suggest(space, finished, running, seed=seed)
            if point is None:
                break
            points.append(point)
            running.append(point)
        return points

    def spaces(self) -> list[Space]:
        return [*self.finite_spaces(), *([MIXED] if self.continuous else [])]

    def finite_spaces(self) -> list[Space]:
        return [PUBLISHED, SMALL, SINGLE, ODD, *([CONDITIONAL] if self.conditional else [])]

    def test_the_same_arguments_give_the_same_point(self):
        for space in self.spaces():
            finished = observe([space.sample(_rng(i)) for i in range(4)])
            first = self.make().suggest(space, finished, [], seed=3)
            assert self.make().suggest(space, list(finished), [], seed=3) == first

    def test_the_same_point_comes_in_another_process_and_hash_seed(self):
        space = MIXED if self.continuous else SMALL
        finished = observe([space.sample(_rng(i)) for i in range(5)])
        running = [space.sample(_rng(9))]
        here = self.make().suggest(space, finished, running, seed=1)
        for hash_seed in ("0", "7"):
            asked = functools.partial(suggest, self.make(), space, finished, running, seed=1)
            assert call_elsewhere(asked, hash_seed=hash_seed) == here

    def test_points_consist_of_the_spaces_own_values(self):
        for space in self.spaces():
            for point in self.walk(space, 8):
                assert list(point) == list(space.names)
                assert space.contains(point)
                for hyperparameter in space.hyperparameters:
                    value = point[hyperparameter.name]
                    if isinstance(hyperparameter, Choice):
                        assert any(value is mine for mine in hyperparameter.values)
                    else:
                        assert type(value) is (int if hyperparameter.integer else float)

    def test_numpy_values_in_the_history_are_no_trouble(self):
        numpy = pytest.importorskip("numpy")
        points = [{"lr": numpy.float64(0.1), "net": "a", "on": True},
                  {"lr": 0.01, "net": "b", "on": False}]
        point = self.make().suggest(SMALL, observe(points, [numpy.float64(0.5), 0.6]), [], seed=0)
        assert type(point["lr"]) is float
        assert SMALL.contains(point)

    def test_a_running_point_never_comes_while_another_is_left(self):
        for space in self.finite_spaces():
            for seed in range(3 if space is not SINGLE else 0):
                points = list(space.points())[:-1]
                _rng(seed).shuffle(points)
                for cut in (0, len(points) // 2):
                    running = points[cut:]
                    point = self.make().suggest(space, observe(points[:cut]), running, seed=seed)
                    assert point not in running

    def test_workers_never_ask_for_the_same_at_once(self):
        for space in self.spaces():
            points = self.walk(space, 12, workers=4)
            for i in range(len(points)):
                for j in range(max(0, i - 3), i):
                    assert points[i] != points[j] or space.size == 1, (i, j)

    def test_the_end_of_a_finite_space_is_told(self):
        for space in self.finite_spaces():
            point = self.make().suggest(space, observe(list(space.points())), [], seed=0)
            assert point is None if self.ends else space.contains(point)

    def test_the_end_is_told_when_the_last_points_are_running(self):
        points = list(SMALL.points())
        point = self.make().suggest(SMALL, observe(points[:-3]), points[-3:], seed=0)
        assert point is None if self.ends else point in points[:-3]

    def test_a_finite_space_is_walked_to_its_end(self):
        points = self.walk(SMALL, 2000 if self.ends else SMALL.size)
        assert {SMALL.key(point)
                for point in points} == {SMALL.key(point) for point in SMALL.points()}
        assert len(points) == SMALL.size or not self.always_new

    def test_the_only_point_comes_once(self):
        only = {"lr": 0.1, "net": "a"}
        assert self.make().suggest(SINGLE, [], [], seed=0) == only
        assert self.make().suggest(SINGLE, [], [only], seed=0) == (None if self.ends else only)

    def test_the_baseline_comes_first_and_once(self):
        points = self.walk(PUBLISHED, 10, baseline=dict(BASELINE))
        assert points[0] == BASELINE
        assert BASELINE not in points[1:] or not self.always_new

    def test_the_baseline_is_not_asked_again_while_it_runs(self):
        sampler = self.make(baseline=dict(BASELINE))
        assert sampler.suggest(PUBLISHED, [], [BASELINE], seed=0) != BASELINE

    def test_a_baseline_outside_the_space_is_refused(self):
        with pytest.raises(ValueError, match="not in the space"):
            self.make(baseline={**BASELINE, "lr": 0.5}).suggest(PUBLISHED, [], [], seed=0)

    @pytest.mark.parametrize("state", ["failed", "diverged"])
    def test_a_search_goes_on_when_every_trial_goes_wrong(self, state):
        points = self.walk(SMALL, 2000 if self.ends else SMALL.size, state=state)
        assert {SMALL.key(point)
                for point in points} == {SMALL.key(point) for point in SMALL.points()}

    def test_trials_that_went_wrong_among_good_ones_are_no_trouble(self):
        space = PUBLISHED
        points = list(space.points())[:60:5]
        finished = observe(points[:4]) + observe(points[4:6], state="failed") + observe(
            points[6:8], state="diverged") + [
                Observation(20, points[8], math.nan),
                Observation(21, points[9], None, "pruned"),
                Observation(22, points[10], math.inf),
                Observation(23, points[11], 0.4, "pruned", ((1, 0.3), (2, 0.4)))
            ]
        point = self.make().suggest(space, finished, [], seed=0)
        assert space.contains(point)
        assert point not in points or not self.always_new

    def test_equal_values_are_no_trouble(self):
        points = list(PUBLISHED.points())[:30:3]
        point = self.make().suggest(PUBLISHED, observe(points, [0.5] * len(points)), [], seed=0)
        assert PUBLISHED.contains(point)

    def test_observations_outside_the_space_are_passed_over(self):
        finished = observe([{"lr": 0.5, "net": "a", "on": True}, {"other": 1}], [0.1, 0.2])
        assert SMALL.contains(self.make().suggest(SMALL, finished,
                                                  [{"lr": 9.0, "net": "a", "on": True}], seed=0))

    def test_arguments_are_left_as_they_are(self):
        finished, running = observe([SMALL.point(0), SMALL.point(5)]), [SMALL.point(7)]
        before = pickle.dumps((finished, running))
        point = self.make().suggest(SMALL, finished, running, seed=0)
        point["lr"] = None
        assert pickle.dumps((finished, running)) == before


def _rng(seed: int) -> random.Random:
    return random.Random(seed)
