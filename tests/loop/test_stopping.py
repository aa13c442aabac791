"""When a search ends: by itself, and at its budgets; in virtual time."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest

from paddle_transfer.loop.ranking import Ranker
from paddle_transfer.loop.stopping import SECONDS, AutoStop, BudgetLimits, Stopwatch
from paddle_transfer.report.files import ResultFiles
from paddle_transfer.report.terminal import Terminal
from paddle_transfer.samplers.base import LEAST_TRIALS, PosteriorSummary
from paddle_transfer.study.records import Proposal, TrialRecord
from tests.helpers.fakes import ExecutorThatDiesAt, FakeClock, FakeExecutor, Killed, Play
from tests.helpers.records import ranker_of
from tests.helpers.settings import change
from tests.helpers.tiny_search import tiny_settings
from tests.helpers.virtual_search import VirtualSearch

FLAT = {"a": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], "b": [1, 2, 3, 4, 5, 6]}
HOUR = 3600.0


def settled(point, _seed):
    """A clear best in the middle, and next to nothing beside it."""
    return 0.9 - 0.02 * (point["a"] - 0.3) ** 2 - 0.0001 * (point["b"] - 3) ** 2


# -- stop: auto ------------------------------------------------------------------------------------

@pytest.mark.parametrize("slots", [1, 3])
def test_a_flat_task_ends_by_itself_and_not_too_soon(tmp_path, slots):
    search = VirtualSearch(tmp_path, value=settled, values=FLAT, search_mode="bayes", max_iter=36,
                           stop="auto")
    reason = search.run(FakeExecutor(slots=slots))
    assert reason.startswith("stop auto: one more training is expected to gain ")
    assert LEAST_TRIALS <= len(search.records()) <= 25
    assert all(record.finished for record in search.records())
    trained = len(search.records())
    assert search.run() == reason
    assert len(search.records()) == trained, "it stays ended"
    search.settings = change(search.settings, stop="none", max_iter=trained + 2)
    assert search.run().startswith("max_iter")
    assert len(search.records()) == trained + 2


def test_max_iter_stays_a_limit(tmp_path):
    search = VirtualSearch(tmp_path, value=settled, values=FLAT, search_mode="bayes", max_iter=4,
                           stop="auto")
    assert search.run() == "max_iter (4) suggestions were evaluated"


def test_it_asks_the_same_ranker():
    class Says(Ranker):
        def posterior_summary(self, records):
            return PosteriorSummary({"a": 0.1}, records[0], 0.004, 0.04, LEAST_TRIALS)

    settings = tiny_settings("unused", search_mode="bayes")
    rule = AutoStop(Says(settings.search_space, settings.repeats))
    assert rule.done([0.005]) is None
    assert rule.done([0.0031]) == (
        "stop auto: one more training is expected to gain 0.31 points; the noise of one seed is "
        "4.00 points")
    assert AutoStop(ranker_of(settings)).done([]) is None


def test_a_search_ends_with_what_going_on_is_worth(tmp_path):
    """Also one that does not stop by itself, in the file and in the terminal; a grid has no model
    that could say it."""
    def told(mode):
        shown = io.StringIO()
        (tmp_path / mode).mkdir()
        search = VirtualSearch(tmp_path / mode, value=settled, values=FLAT, search_mode=mode,
                               max_iter=5)
        search.run(callbacks=(
            lambda settings, ranker: ResultFiles(settings, ranker=ranker),
            lambda settings, ranker: Terminal(settings, ranker=ranker, stream=shown)))
        results = json.loads((tmp_path / mode / "search_results.json").read_text())
        return shown.getvalue(), results.get("going_on"), search

    text, going_on, search = told("bayes")
    view = ranker_of(search.settings).outlook(search.records())
    assert going_on == {"gain": view.gain, "noise": view.noise}
    assert 0.0 < going_on["gain"] < going_on["noise"]
    assert (f"worth it: one more training is expected to gain {100 * view.gain:.2f} points; the "
            f"noise of one seed is {100 * view.noise:.2f} points.\n") in text
    text, going_on, _ = told("random")
    assert going_on is None
    assert "is expected to gain" not in text


def test_what_confirms_does_not_wake_it_up_again(tmp_path):
    """Confirming trials are results of the model too, but the search proper has ended."""
    def noisy(point, seed):
        return settled(point, seed) - 0.3 * (seed > 0)

    search = VirtualSearch(tmp_path, value=noisy, values=FLAT, search_mode="bayes", max_iter=36,
                           stop="auto", confirm=3)
    reason = search.run(FakeExecutor(slots=2))
    own = [record for record in search.records() if record.seed == 0]
    assert reason.startswith("stop auto")
    assert len(search.records()) == len(own) + 6
    assert [record.number for record in own] == list(range(len(own)))


# -- epoch_budget ----------------------------------------------------------------------------------

@pytest.mark.parametrize("slots", [1, 2, 5])
@pytest.mark.parametrize(("budget", "trials"), [(3, 1), (8, 2), (9, 3), (17, 5), (18, 6)])
def test_no_more_epochs_than_allowed(tmp_path, slots, budget, trials):
    search = VirtualSearch(tmp_path, values={"a": list(range(9))}, epoch_budget=budget)
    assert search.run(FakeExecutor(slots=slots)) == (
        f"epoch_budget ({budget}) has no room for another training after {3 * trials} epochs")
    assert len(search.records()) == trials
    assert {record.state for record in search.records()} == {"complete"}


def test_a_pruned_trial_gives_its_epochs_back(tmp_path):
    class Harsh:
        def should_stop(self, record, _records):
            return record.number in (0, 1)

    search = VirtualSearch(tmp_path, values={"a": list(range(9))}, epoch_budget=10)
    search.run(FakeExecutor(slots=3), pruner=Harsh())
    records = search.records()
    assert sum(record.curve[-1][0] for record in records) <= 10
    assert len(records) == 4
    assert [record.state for record in records].count("pruned") == 2


def test_with_a_larger_budget_the_search_goes_on(tmp_path):
    search = VirtualSearch(tmp_path, values={"a": list(range(9))}, epoch_budget=10)
    search.run()
    assert len(search.records()) == 3
    search.settings = change(search.settings, epoch_budget=21)
    search.run()
    assert len(search.records()) == 7
    assert {record.attempts for record in search.records()} == {1}


@pytest.mark.parametrize("step", [3, 6, 9, 12])
def test_a_kill_does_not_change_how_many_are_trained(tmp_path, step):
    search = VirtualSearch(tmp_path, values={"a": list(range(9))}, epoch_budget=14)
    with pytest.raises(Killed):
        search.run(ExecutorThatDiesAt(step=step))
    search.run()
    assert len(search.records()) == 4
    assert all(record.finished for record in search.records())


def test_repeats_are_trainings_too(tmp_path):
    search = VirtualSearch(tmp_path, values={"a": list(range(9))}, epoch_budget=10, search_times=2)
    search.run()
    assert [record.suggestion for record in search.records()] == [0, 0, 1]


def limits_of(settings, **arguments):
    return BudgetLimits(settings.budget, base=settings.base, keys=settings.keys,
                        stages=settings.stages, **arguments)


def test_epochs_that_are_searched_count_as_they_are():
    settings = tiny_settings("unused", values={"Global.epochs": [2, 10]}, epoch_budget=20)
    budget, short, long = limits_of(settings), {"Global.epochs": 2}, {"Global.epochs": 10}
    records = [TrialRecord(0, 0, long, 0, state="complete", value=0.5, curve=((5, 0.4), (10, 0.5)),
                           attempts=1), TrialRecord(1, 1, short, 0, attempts=1),
               TrialRecord(2, 2, long, 0, state="diverged", curve=((1, 0.1), (2, 0.1)), attempts=1),
               TrialRecord(3, 3, long, 0, state="complete", value=0.5, curve=((10, 0.5), ),
                           reused=0)]
    assert [budget.epochs_of(record) for record in records] == [10, 2, 2, 0]
    assert budget.refuses(records, Proposal(short)) is None
    assert "after 14 epochs" in budget.refuses(records, Proposal(long))
    assert budget.refuses(records) is None, "some training still fits"


# -- time_budget -----------------------------------------------------------------------------------

class Hourly(FakeExecutor):
    """An epoch takes twenty minutes: a training a little more than an hour."""

    def play(self, job, play):
        super().play(job, replace(play, pace=HOUR / 3))


def test_no_trial_begins_after_the_time_and_those_under_way_are_finished(tmp_path):
    search = VirtualSearch(tmp_path, values={"a": list(range(9))}, time_budget=1.5)
    executor = Hourly(slots=2)
    assert search.run(executor) == "time_budget (1.5 h) is spent"
    assert len(search.records()) == 4
    assert {record.state for record in search.records()} == {"complete"}
    assert executor.clock.now > 2 * HOUR


def test_time_is_counted_over_restarts(tmp_path):
    search = VirtualSearch(tmp_path, values={"a": list(range(20))}, time_budget=6)
    with pytest.raises(Killed):
        search.run(type("Dies", (Hourly, ExecutorThatDiesAt), {})(step=24000, slots=1))
    done = sum(record.finished for record in search.records())
    assert 2 <= done <= 3
    search.run(Hourly(slots=1, clock=FakeClock()))
    assert 5 <= len(search.records()) <= 7
    assert all(record.finished for record in search.records())
    assert search.run(Hourly(slots=1)) == "time_budget (6 h) is spent", "nothing more is begun"
    count = len(search.records())
    search.settings = change(search.settings, time_budget=7.5)
    search.run(Hourly(slots=1))
    assert len(search.records()) > count


def test_the_stopwatch_loses_no_more_than_half_a_minute():
    class Memory:
        def __init__(self):
            self.kept, self.writes = {}, 0

        def attributes(self):
            return self.kept

        def set_attribute(self, name, value):
            self.kept[name] = value
            self.writes += 1

    store, clock = Memory(), FakeClock()
    watch = Stopwatch(store, clock=clock)
    clock.advance(1000)
    assert watch.seconds == 0, "the search has not begun"
    watch.search_started([])
    for _ in range(100):
        clock.advance(1)
        watch.epoch_reported(None, None)
        assert watch.seconds - store.kept.get(SECONDS, 0) < 30
    assert store.writes == 3
    watch.search_ended([], "done")
    assert store.kept[SECONDS] == 100
    again = Stopwatch(store, clock=clock)
    again.search_started([])
    clock.advance(5)
    assert again.seconds == 105


def test_without_limits_nothing_is_refused():
    limits = limits_of(tiny_settings("unused"), seconds=lambda: 1e9)
    assert limits.refuses([], Proposal({"a": 0.0, "b": 1})) is None
    assert Play().epochs == 3, "what the numbers above go by"
