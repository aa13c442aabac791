"""An executor that misbehaves as it is told, in virtual time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from typing_extensions import override

from benchmarks.virtual import Play, VirtualExecutor
from paddle_transfer.errors import DiskFull, is_disk_full
from paddle_transfer.executors.base import Ended, EpochReport, Event, Job
from paddle_transfer.study.records import Word

#: Virtual seconds after which what was said is said again.
ECHO = 10.0


class Accident(Word):
    """What happens to one attempt."""

    NONE = "none"
    CRASHED = "crashed"  #: after its first epoch
    KILLED = "killed"  #: the worker, in its second epoch
    LOST = "lost"  #: the job is gone; nobody says so
    UNHEARD = "unheard"  #: the same, with its result on disk
    EMPTY = "empty"  #: said to be complete, without a result
    TWICE = "twice"  #: everything is said twice at once, and again when it has long ended
    LATE = "late"  #: a crash; more of its epochs come in while the next attempt is under way
    AFTER = "after"  #: one more epoch comes in after the verdict
    DISORDER = "disorder"  #: the last epoch is reported first
    NONFINITE = "nonfinite"  #: epochs with NaN and infinity between the others
    HANGS = "hangs"  #: after its first epoch, for good

    @property
    def is_crash(self) -> bool:
        return self in (Accident.CRASHED, Accident.LATE, Accident.EMPTY)


class FaultyExecutor(VirtualExecutor):
    """A ``VirtualExecutor`` whose attempts meet with accidents.

    :param accident: of the attempt that a job is
    :param stale: events of an executor before this one, which the first polls tell
    """

    def __init__(self, *, accident: Callable[[Job], Accident], stale: Sequence[Event] = (),
                 **arguments: Any):
        super().__init__(**arguments)
        self._accident, self._accidents = accident, dict[int, Accident]()
        self._raw: dict[int, Event] = {}  # events that are told whatever runs, by their identity
        #: When it is closed: the jobs under way, and the events that nobody heard.
        self.left: list[tuple[Job, Play]] = []
        self.unheard: list[Event] = []
        nobody = Job(-1, 0, "")
        for place, event in enumerate(stale):
            self.tell(0.3 * place, nobody, event)

    def tell(self, seconds: float, job: Job, event: Event) -> None:
        """Have ``event`` told, also of a job that is not under way."""
        self._raw[id(event)] = event
        self.later(seconds, job, event)

    @override
    def play(self, job: Job, play: Play) -> None:
        kind = self._accidents[job.number] = self._accident(job)
        if kind in (Accident.CRASHED, Accident.KILLED, Accident.HANGS, Accident.LATE):
            verdict = {Accident.KILLED: "killed", Accident.HANGS: "hang"}.get(kind, "crashed")
            play = replace(play, verdict=verdict, epochs=1, value=play.value / play.epochs)
        if kind is Accident.EMPTY:
            play = replace(play, verdict="complete", writes=False)
        super().play(job, play)
        late = [EpochReport(job.number, job.attempt, 7 + i, 0.99) for i in range(3)]
        after = kind is Accident.AFTER and play.verdict != "hang"
        for event in late if kind is Accident.LATE else late[:after]:
            self.tell(2.0 + (play.epochs + 0.5) * play.pace, job, event)
        if kind is Accident.DISORDER and play.verdict != "hang":
            self.later(0.1, job, EpochReport(job.number, job.attempt, *play.curve[-1]))
        for i, value in enumerate((math.nan, math.inf) if kind is Accident.NONFINITE else ()):
            self.later(0.5 + i * play.pace, job, EpochReport(job.number, job.attempt, i + 1, value))

    def jump(self, seconds: float) -> None:
        """Set the clock; what is under way takes as long as it would."""
        self.clock.now += seconds
        self._queue = [(at + seconds, *rest) for at, *rest in self._queue]

    def hangs(self) -> bool:
        """Whether jobs are under way, and nothing will ever come of them."""
        return bool(self.jobs) and not self._queue

    @override
    def deliver(self, job: Job, event: Event) -> Sequence[Event]:
        if id(event) in self._raw:
            return [event]
        kind = self._accidents[job.number]
        if isinstance(event, Ended) and self.holds(job) and kind is Accident.LOST:
            self.drop(job, "lost")
            return []
        events = super().deliver(job, event)
        if kind is Accident.UNHEARD:
            return [one for one in events if isinstance(one, EpochReport)]
        if kind is Accident.TWICE:
            for one in events:
                self.tell(ECHO, job, replace(one))
            events = [*events, *events]
        return events

    @override
    def finish(self, job: Job, ended: Ended) -> Ended:
        try:
            return super().finish(job, ended)
        except OSError as error:  # as an executor does
            raise DiskFull(job.directory) if is_disk_full(error) else error from error

    @override
    def close(self) -> None:
        if not self.closed:
            self.left = [(job, play) for job, _, play in self.jobs.values()]
            self.unheard = [event for *_, event in self._queue][:20]
        super().close()
