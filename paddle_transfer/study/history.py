"""The trials of a search with what its driver asks of them at every event, kept up to date: an
event costs the same after ten trials and after ten thousand."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import overload

from typing_extensions import override

from paddle_transfer.samplers.base import Observation
from paddle_transfer.samplers.known import FinishedTrials, RunningPoints
from paddle_transfer.space.space import Point, Space
from paddle_transfer.study.records import Proposal, Stage, TrialRecord, TrialState


class History(Sequence[TrialRecord]):
    """The records of a search's trials, by number; ``list(history)`` is a copy.

    :param records: the trials so far
    """

    def __init__(self, space: Space, records: Iterable[TrialRecord] = ()):
        self.space = space
        #: How many trials have ended; how many of those reused a result; how many came to a
        #: result, or to a loss that is no number; how many failed.
        self.done = self.reused = self.worked = self.failed = 0
        #: How many suggestions there are.
        self.suggestions = 0
        #: By number.
        self.unfinished: dict[int, TrialRecord] = {}
        #: Those of ``Stage.SEARCH`` that were trained themselves.
        self.finished = FinishedTrials(space)
        #: The keys of all points.
        self.points: set[str] = set()
        self._records: list[TrialRecord] = []
        self._keys: list[str] = []  # of proposals
        self._busy: dict[int, str] = {}  # keys of the unfinished by number
        self._changes = array("I")  # the places that changed, in order
        self._trainings: dict[str, list[int]] = {}  # places by the key of the proposal
        self._sizes = array("I")  # trials of every suggestion
        self._nth = array("I")  # the place of a trial among those of its suggestion, from 1
        self._most = 0
        self._short: dict[int, list[int]] = {}  # places by suggestions that may need repeats
        self._token = object()
        self._versions = [0, 0]  # changes of trials, of finished ones among them
        self._measured: dict[tuple[Stage, str], TrialRecord] = {}
        for record in records:
            self._append(record)

    @classmethod
    def of(cls, space: Space, records: Sequence[TrialRecord]) -> History:
        """``records`` itself when it is a history."""
        return records if isinstance(records, cls) else cls(space, records)

    @overload
    def __getitem__(self, place: int) -> TrialRecord: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[TrialRecord]: ...

    @override
    def __getitem__(self, place: int | slice) -> TrialRecord | Sequence[TrialRecord]:
        return self._records[place]

    @override
    def __len__(self) -> int:
        return len(self._records)

    @override
    def __iter__(self) -> Iterator[TrialRecord]:
        return iter(self._records)

    def put(self, record: TrialRecord) -> None:
        """Add the next trial, or replace the record of one."""
        place = record.number
        if place == len(self):
            self._append(record)
            return
        before, self._records[place] = self._records[place], record
        if before.finished:
            self._count(before, -1)
        self._enter(place, record, changed=before.state is not record.state or before.finished)

    def changed(self, since: int) -> tuple[list[int], int]:
        """(the numbers of the trials that changed since, what to ask with the next time)."""
        return list(dict.fromkeys(self._changes[since:])), len(self._changes)

    def mark(self, *, finished: bool) -> tuple[object, int]:
        """Something that is another one when the trials, or the ``finished`` ones, are others;
        epochs of a running one do not count."""
        return self._token, self._versions[finished]

    def key(self, number: int) -> str:
        """The key of the trial's proposal."""
        return self._keys[number]

    def trainings(self, key: str) -> list[TrialRecord]:
        """The trainings, begun or done, of the proposal with ``key``."""
        return [self._records[place] for place in self._trainings.get(key, ())]

    def is_repeat(self, number: int, times: int) -> bool:
        """Whether its suggestion had ``times`` trials before this one."""
        return self._nth[number] > times

    def has_repeats(self, times: int) -> bool:
        """Whether a suggestion has more than ``times`` trials."""
        return self._most > times

    def short_of(self, times: Callable[[Proposal], int]) -> list[TrialRecord]:
        """The trials of the first suggestion that has fewer than ``times`` trainings; empty when
        there is none. Those that had enough are not looked at again."""
        for suggestion, places in list(self._short.items()):
            first = self._records[places[0]]
            if first.reused is None and len(places) < times(first.proposal):
                return [self._records[place] for place in places]
            del self._short[suggestion]
        return []

    def measured(self, stage: Stage) -> list[TrialRecord]:
        """Trials that say on what list, and on how many images, those of ``stage`` are measured."""
        return [one for (other, _), one in self._measured.items() if other is stage]

    def running(self) -> RunningPoints:
        """The points of ``Stage.SEARCH`` that are being trained."""
        return RunningPoints(self.space, (
            (self._busy[number], one.point) for number, one in sorted(self.unfinished.items())
            if one.stage is Stage.SEARCH and one.reused is None))

    def _append(self, record: TrialRecord) -> None:
        place, suggestion = len(self._records), record.suggestion
        key = record.key(self.space)
        self._records.append(record)
        self._keys.append(key)
        self.points.add(key if record.stage is Stage.SEARCH else self.space.key(record.point))
        self.suggestions = max(self.suggestions, suggestion + 1)
        self._sizes.extend([0] * (suggestion + 1 - len(self._sizes)))
        self._sizes[suggestion] += 1
        self._nth.append(self._sizes[suggestion])
        self._most = max(self._most, self._sizes[suggestion])
        if self._sizes[suggestion] == 1:
            self._short[suggestion] = []
        self._short.get(suggestion, []).append(place)
        if record.reused is None:
            self._trainings.setdefault(key, []).append(place)
        self._enter(place, record, changed=True)

    def _enter(self, place: int, record: TrialRecord, *, changed: bool) -> None:
        self._changes.append(place)
        self._versions[0] += changed
        if not record.finished:
            self.unfinished[record.number] = record
            self._busy[record.number] = self._keys[place]
            return
        self.unfinished.pop(record.number, None)
        self._busy.pop(record.number, None)
        self._versions[1] += 1
        self._count(record, 1)
        if record.reused is None and record.stage is Stage.SEARCH:
            self.finished.add(Observation(record.number, record.point, record.value, record.state,
                                          record.curve), self._keys[place])
        for name in ("images", "list"):
            if record.info.get(name) is not None:
                self._measured.setdefault((record.stage, name), record)

    def _count(self, record: TrialRecord, by: int) -> None:
        self.done += by
        self.reused += by * (record.reused is not None)
        self.worked += by * record.worked
        self.failed += by * (record.state is TrialState.FAILED and record.reused is None)


class Total:
    """The sum of ``figure`` over the trials of a search, kept up to date."""

    def __init__(self, figure: Callable[[TrialRecord], int]):
        self._figure, self._figures, self._sum = figure, dict[int, int](), 0
        self._of: History | None = None
        self._seen = 0

    def over(self, records: Sequence[TrialRecord]) -> int:
        """The sum over ``records``; of a history only what has changed is looked at."""
        if not isinstance(records, History):
            return sum(map(self._figure, records))
        if records is not self._of:
            self._of, self._figures, self._sum, self._seen = records, {}, 0, 0
        changed, self._seen = records.changed(self._seen)
        for number in changed:
            figure = self._figure(records[number])
            self._sum += figure - self._figures.get(number, 0)
            self._figures[number] = figure
        return self._sum


def observations(records: Sequence[TrialRecord]) -> tuple[list[Observation], list[Point]]:
    """(observations for a sampler, by trial number; the points being trained now). Teachers and
    students are left out: their metrics belong to other models."""
    if isinstance(records, History):
        return records.finished, records.running()
    own = [one for one in records if one.reused is None and one.stage is Stage.SEARCH]
    finished = [Observation(one.number, one.point, one.value, one.state, one.curve)
                for one in own if one.finished]
    return finished, [one.point for one in own if not one.finished]
