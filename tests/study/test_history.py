"""What is kept up to date is what all trials say."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from paddle_transfer.loop.confirm import confirming
from paddle_transfer.loop.failures import anything_works
from paddle_transfer.loop.ranking import Ranker
from paddle_transfer.samplers.common import keys, untaken
from paddle_transfer.samplers.known import FinishedTrials, RunningPoints, Union
from paddle_transfer.settings.groups import Repeats, SearchSpace
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.space import Space
from paddle_transfer.study.history import History, Total, observations
from paddle_transfer.study.records import Stage, TrialRecord, TrialState

SPACE = Space((Choice("a", tuple(range(6))), Choice("b", (False, True))))
ENDS = [TrialState.COMPLETE, TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED,
        TrialState.DIVERGED]


def events(rng, count):
    """Records as a driver gets them: trials begin, report epochs, end in any order, are reused; the
    first failures are written down twice."""
    trials = []
    for _ in range(count):
        running = [one for one in trials if not one.finished]
        done = [one for one in trials if one.finished and one.reused is None]
        kind = rng.random()
        if not running or (kind < 0.3 and len(running) < 4):
            suggestion = rng.randrange(len(trials) + 1)
            record = TrialRecord(len(trials), suggestion, SPACE.sample(rng), rng.randrange(3),
                                 stage=rng.choice([Stage.SEARCH] * 5 + [Stage.TEACHER]))
        elif kind < 0.4 and done:
            one = rng.choice(done)
            record = replace(one, number=len(trials), suggestion=len(trials), reused=one.number)
        elif kind < 0.45 and any(one.state is TrialState.FAILED for one in trials):
            record = next(one for one in trials if one.state is TrialState.FAILED)
        elif kind < 0.7:
            one = rng.choice(running)
            record = replace(one, curve=(*one.curve, (len(one.curve) + 1, rng.random())))
        else:
            state = rng.choice(ENDS)
            record = replace(rng.choice(running), state=state,
                             value=rng.choice([0.1, 0.5, 0.9]) if state.has_value else None,
                             info={"images": 9} if state.has_value else {})
        trials[record.number:record.number + 1] = [record]
        yield record, list(trials)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("times", [1, 2])
def test_every_answer_is_that_of_the_plain_records(seed, times):
    repeats, spent = Repeats(search_times=times), Total(lambda record: len(record.curve))
    history = History(SPACE)
    ranker, fresh = (Ranker(SearchSpace((), SPACE), repeats) for _ in range(2))
    for record, plain in events(random.Random(seed), 120):
        history.put(record)
        assert list(history) == plain
        assert (list(observations(history)[0]), list(observations(history)[1])) == observations(
            plain)
        assert observations(history)[1].keys == keys(SPACE, observations(plain)[1])
        assert history.finished.keys == keys(SPACE, [one.point for one in history.finished])
        assert list(history.unfinished) == [one.number for one in plain if not one.finished]
        assert history.done == sum(one.finished for one in plain)
        assert history.reused == sum(one.reused is not None for one in plain)
        assert anything_works(history) == anything_works(plain)
        assert history.points == keys(SPACE, [one.point for one in plain])
        assert history.suggestions == 1 + max(one.suggestion for one in plain)
        assert spent.over(history) == sum(len(one.curve) for one in plain)
        late = confirming(plain, repeats)
        assert confirming(history, repeats) == late
        assert {one.number for one in plain if history.is_repeat(one.number, times)} == late
        key = record.key(SPACE)
        assert history.trainings(key) == [one for one in plain if one.reused is None
                                          and one.key(SPACE) == key]
        assert ranker.winner(history) == fresh.winner(plain)
    assert history.mark(finished=True) != History(SPACE, plain).mark(finished=True)


def test_a_suggestion_is_short_until_it_has_its_trainings():
    history = History(SPACE)
    for number, suggestion in enumerate([0, 1, 0]):
        history.put(TrialRecord(number, suggestion, {"a": suggestion, "b": False}, number))
    assert [one.number for one in history.short_of(lambda _: 2)] == [1]
    history.put(replace(history[1], number=3))
    assert history.short_of(lambda _: 2) == []
    history.put(replace(history[1], number=4, suggestion=2, reused=1))
    assert history.short_of(lambda _: 2) == []


def test_only_what_has_changed_is_told():
    history = History(SPACE, [TrialRecord(0, 0, {"a": 0, "b": False}, 0)])
    changed, mark = history.changed(0)
    assert changed == [0]
    history.put(TrialRecord(1, 1, {"a": 1, "b": False}, 0))
    for epoch in (1, 2):
        history.put(replace(history[1], curve=((epoch, 0.5),)))
    assert history.changed(mark)[0] == [1]
    assert history.changed(history.changed(mark)[1])[0] == []


def test_the_first_point_that_is_left():
    rng, trials = random.Random(3), FinishedTrials(SPACE)
    order = list(SPACE.points())
    rng.shuffle(order)
    for number, point in enumerate(order):
        busy = RunningPoints(SPACE, [(SPACE.key(one), one) for one in rng.sample(order, 2)])
        taken = Union(trials.keys, busy.keys)
        assert trials.first_untaken(busy.keys) == untaken(SPACE, trials.keys | busy.keys)
        assert len(taken) == len(set(taken)) == len(trials.keys | busy.keys)
        assert all(key in taken for key in trials.keys | busy.keys)
        trials.add(history_observation(number, point), SPACE.key(point))
    assert trials.first_untaken(set()) is None


def history_observation(number, point):
    history = History(SPACE)
    for other in range(number + 1):
        history.put(TrialRecord(other, other, point, 0, state="failed"))
    return history.finished[-1]
