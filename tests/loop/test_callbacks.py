"""Callbacks are told what happens; one that fails is told nothing more."""

import pytest

from paddle_transfer.loop.callbacks import (
    EVENTS,
    CallbackList,
    FinalCallback,
    SearchCallback,
    SoupCallback,
    TurnCallback,
)
from paddle_transfer.report.base import Report


class Failing(Report):
    """Fails at its first event."""

    name = "failing"

    def __init__(self):
        self.calls = 0

    def search_started(self, _records):
        self.calls += 1
        raise KeyError("a deliberate fault")

    def final_ended(self, _results):
        self.calls += 1


class Partly:
    """Has one event of a search and one of its final trainings."""

    def __init__(self):
        self.seen = []

    def search_started(self, records):
        self.seen.append(len(records))

    def final_ended(self, results):
        self.seen.append(results)


def test_one_that_fails_is_not_called_in_the_final_trainings_either(capsys):
    failing, partly = Failing(), Partly()
    search = CallbackList([failing, partly])
    search.call("search_started", [])
    final = CallbackList(search.active)
    final.call("final_ended", {"best": 1})
    assert (failing.calls, partly.seen) == (1, [0, {"best": 1}])
    assert capsys.readouterr().err.count("the report failing failed in search_started") == 1


def test_events_that_a_callback_has_not_are_passed_over():
    partly = Partly()
    for event, count in EVENTS.items():
        CallbackList([partly]).call(event, *[()] * count)
    assert partly.seen == [0, ()]


def test_the_events_are_those_of_the_protocols():
    named = {name for protocol in (SearchCallback, TurnCallback, FinalCallback, SoupCallback)
             for name in vars(protocol)
             if not name.startswith("_")}
    assert set(EVENTS) == named


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_a_callback_is_one(error):
    class Stops:
        def search_started(self, _records):
            raise error

    with pytest.raises(error):
        CallbackList([Stops()]).call("search_started", [])
