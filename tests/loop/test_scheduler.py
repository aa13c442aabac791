from __future__ import annotations

import dataclasses

import pytest

from paddle_transfer.loop.scheduler import Create, Resume, Reuse, Stop, Wait
from paddle_transfer.samplers.grid import GridSampler
from paddle_transfer.study.history import observations
from paddle_transfer.study.records import Proposal, TrialRecord
from tests.helpers.tiny_search import tiny_settings
from tests.helpers.virtual_search import scheduler_of

A = {"a": 0.0, "b": 1}
B = {"a": 0.0, "b": 2}


class Says:
    """A sampler that always says the same and remembers what it was told."""

    def __init__(self, point):
        self.point, self.told = point, None

    def suggest(self, _space, finished, running, *, seed):
        self.told = (finished, running, seed)
        return self.point


def record(number, *, point=A, state="complete", suggestion=None, **fields):
    value = 0.5 if state in ("complete", "pruned") else None
    return TrialRecord(**{"number": number, "suggestion": number if suggestion is None
                          else suggestion, "point": point, "seed": 0, "state": state,
                          "value": value, "attempts": 1, **fields})


def step(records, *, sampler=None, in_flight=(), **settings):
    scheduler = scheduler_of(tiny_settings("unused", **settings), sampler or GridSampler())
    return scheduler.next_action(records, in_flight)


def test_what_was_interrupted_comes_first():
    records = [record(0), record(1, state="running"), record(2, state="running")]
    assert step(records, in_flight={1}, sampler=Says(B)) == Resume(2)


def test_repeats_come_before_new_points_and_take_the_next_seed():
    assert step([record(0)], search_times=3, seed=7) == Create(0, Proposal(A), 8)
    repeats = [record(0), record(1, suggestion=0, state="failed")]
    assert step(repeats, search_times=3, seed=7) == Create(0, Proposal(A), 9)
    assert step(repeats, search_times=2, seed=7) == Create(1, Proposal(B), 7)


def test_max_iter_counts_suggestions_reused_and_failed_ones_too():
    records = [record(0, state="failed"), record(1, reused=0, state="failed")]
    assert step(records, max_iter=2) == Stop("max_iter (2) suggestions were evaluated")
    assert isinstance(step(records, max_iter=3), Create)


def test_the_last_trials_under_way_are_waited_for():
    assert step([record(0, state="running")], in_flight={0}, max_iter=1) == Wait()
    assert step([record(0, state="running")], in_flight={0}, sampler=Says(None)) == Wait()


def test_an_exhausted_space_ends_the_search():
    settings = tiny_settings("unused")
    records = [record(i, point=point) for i, point in enumerate(settings.space.points())]
    assert step(records) == Stop("all 6 points of the space were evaluated")


def test_an_evaluated_point_is_reused():
    diverged = record(0, state="diverged")
    assert step([diverged], sampler=Says(A)) == Reuse(1, diverged)
    complete = record(1, suggestion=0)
    assert step([diverged, complete, record(2, suggestion=0)], search_times=3,
                sampler=Says(A)) == Reuse(1, complete)


def test_a_point_under_way_is_waited_for_before_it_is_reused():
    assert step([record(0, state="running")], in_flight={0}, sampler=Says(A)) == Wait()


def test_without_de_duplication_it_is_trained_again_with_the_next_seed():
    records = [record(0), record(1), record(2, point=B)]
    assert step(records, sampler=Says(A), de_duplication=False, seed=5) == Create(3, Proposal(A), 7)


def test_repeats_are_observations_of_their_own_and_reuses_are_none():
    records = [record(0, curve=((1, 0.5), )), record(1, suggestion=0, state="failed"),
               record(2, reused=0), record(3, point=B, state="running"),
               record(4, point=B, state="diverged")]
    finished, running = observations(records)
    assert [(one.number, one.state, one.value) for one in finished] == [
        (0, "complete", 0.5), (1, "failed", None), (4, "diverged", None)]
    assert finished[0].curve == ((1, 0.5),)
    assert running == [B]


def test_a_reuse_moves_the_draw_on():
    seeds = []
    for count in range(3):
        records = [record(0), *(record(number, reused=0) for number in range(1, count + 1))]
        sampler = Says(A)
        tiny_settings("unused", seed=3).stages.propose(records, sampler)
        seeds.append(sampler.told[2])
    assert seeds[0] == 3
    assert len(set(seeds)) == 3


@pytest.mark.parametrize(("mode", "limit"), [("grid", 40), ("random", 40), ("bayes", 8)])
def test_every_mode_ends_on_a_small_space(mode, limit):
    """Random draws that hit evaluated points are reused; none of the modes goes round in
    circles."""
    from paddle_transfer.samplers.registry import make_sampler

    settings = tiny_settings("unused", search_mode=mode, max_iter=limit)
    scheduler, records = scheduler_of(settings, make_sampler(mode)), []
    for number in range(limit + 1):
        what = scheduler.next_action(records, ())
        if isinstance(what, Stop):
            break
        if isinstance(what, Reuse):
            records.append(dataclasses.replace(what.original, number=number, suggestion=number,
                                               reused=what.original.number))
        else:
            records.append(record(number, point=what.proposal.point))
    assert isinstance(what, Stop)
    assert len({settings.space.key(one.point)
                for one in records}) == 6, "a random search of 40 sees all of 6 points"
    if mode != "random":
        assert len(records) == 6
