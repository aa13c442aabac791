"""A trial costs the same late in a search as early: operations are counted, no time is measured."""

from __future__ import annotations

import io
import json
import sys

import pytest

from paddle_transfer.report.files import ResultFiles
from paddle_transfer.report.terminal import Terminal
from paddle_transfer.report.visualdl import VisualDL
from paddle_transfer.study import history, journal_file
from paddle_transfer.study.store import JOURNAL_NAME
from tests.helpers.fakes import FakeExecutor
from tests.helpers.virtual_search import VirtualSearch

#: Numbers of trials, each the double of the one before.
SIZES = (24, 48, 96)


class Visits:
    """Counts how often a record or an observation of a search is looked at."""

    def __init__(self, monkeypatch):
        self.count = 0
        visits = self

        class Counted(list):
            def __getitem__(self, place):
                found = super().__getitem__(place)
                visits.count += len(found) if isinstance(place, slice) else 1
                return found

            def __iter__(self):
                visits.count += len(self)
                return super().__iter__()

        class CountedTrials(Counted, history.FinishedTrials):
            pass

        begin = history.History.__init__

        def begin_counted(self, space, records=()):
            begin(self, space)
            self._records = Counted()
            for record in records:
                self._append(record)

        monkeypatch.setattr(history, "FinishedTrials", CountedTrials)
        monkeypatch.setattr(history.History, "__init__", begin_counted)


class AskedPruner:
    """Looks at the trials of the point only."""

    def should_stop(self, record, records):
        return len(records.trainings(records.key(record.number))) < 0


def search(folder, trials, **changes):
    folder.mkdir()
    values = {"a": list(range(50)), "b": list(range(50))}
    return VirtualSearch(folder, values=values, max_iter=trials,
                         value=lambda point, seed: (7 * point["a"] + point["b"] + seed) % 101 / 101,
                         **{"search_mode": "grid", **changes})


def run(made):
    """All reports; the files are written at the beginning and at the end."""
    made.run(FakeExecutor(slots=4), pruner=AskedPruner(), callbacks=(
        lambda settings, ranker: ResultFiles(settings, ranker=ranker, clock=lambda: 0.0),
        lambda settings, ranker: VisualDL(settings, ranker=ranker),
        lambda settings, ranker: Terminal(settings, ranker=ranker, stream=io.StringIO())))


def assert_linear(counts):
    small, middle, large = counts
    assert middle > small
    assert large - middle <= 1.08 * 2 * (middle - small), counts


CASES = [{"search_times": 2, "epoch_budget": 10_000},
         {"search_mode": "random", "confirm": 2, "fixed": {"a": 3, "b": 0}}]


@pytest.mark.parametrize("changes", CASES, ids=str)
def test_trials_are_looked_at_a_number_of_times_that_does_not_grow(tmp_path, monkeypatch, changes):
    visits, counts = Visits(monkeypatch), []
    for trials in SIZES:
        made, visits.count = search(tmp_path / str(trials), trials, **changes), 0
        run(made)
        assert len(made.records()) >= trials
        counts.append(visits.count)
    assert_linear(counts)


def test_so_many_functions_are_called_and_bytes_written(tmp_path, monkeypatch):
    counts, sizes = [], []
    for trials in SIZES:
        made, calls = search(tmp_path / str(trials), trials), [0]

        def count(_frame, event, _argument, calls=calls):
            calls[0] += event in ("call", "c_call")

        before = sys.getprofile()
        sys.setprofile(count)
        try:
            run(made)
        finally:
            sys.setprofile(before)
        counts.append(calls[0])
        sizes.append((tmp_path / str(trials) / JOURNAL_NAME).stat().st_size)
    assert_linear(counts)
    assert_linear(sizes)
    read = []
    monkeypatch.setattr(journal_file, "json", type("Counted", (), {
        "loads": lambda line: read.append(line) or json.loads(line), "dumps": json.dumps}))
    made.records()
    assert len(read) == len((tmp_path / str(trials) / JOURNAL_NAME).read_bytes().splitlines())
