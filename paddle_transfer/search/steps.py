"""What to do next: a pure function of the trials, so that a search that was killed goes on as if it had not been."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Collection, Optional, Sequence, Union

from paddle_transfer.space.space import Point, Space
from paddle_transfer.study.records import TrialRecord
from paddle_transfer.suggest.base import Observation, Suggester

#: Far more than a search has trials, so that seeds moved on by reuses do not meet.
_STRIDE = 1_000_003


@dataclass(frozen=True)
class Resume:
    """Run trial ``number``, which is on record, (again)."""

    number: int


@dataclass(frozen=True)
class Create:
    """Begin a new trial."""

    suggestion: int
    point: Point
    seed: int


@dataclass(frozen=True)
class Reuse:
    """Record a suggestion that needs no training: the finished trial ``original`` stands for it."""

    suggestion: int
    original: TrialRecord


@dataclass(frozen=True)
class Wait:
    """Nothing can be begun before a trial under way has ended."""


@dataclass(frozen=True)
class Stop:
    """The search is over, for ``reason``."""

    reason: str


Step = Union[Resume, Create, Reuse, Wait, Stop]


def next_step(records: Sequence[TrialRecord], *, in_flight: Collection[int], settings: Any,
              suggester: Suggester) -> Step:
    """The next step while a slot is free.

    :param records: all trials by number
    :param in_flight: the numbers of those that this process runs now
    :param settings: space, times (of a point), max_iter (None: no limit), de_duplication, seed
    """
    for record in records:
        if not record.finished and record.number not in in_flight:
            return Resume(record.number)
    repeat = _next_repeat(records, settings)
    if repeat is not None:
        return repeat
    suggestions = 1 + max((record.suggestion for record in records), default=-1)
    enough = settings.max_iter is not None and suggestions >= settings.max_iter
    point = None if enough else ask(records, settings=settings, suggester=suggester)
    if point is None:
        return Wait() if in_flight else Stop(_why(records, settings, suggester))
    twins = _twins(records, settings.space, point)
    if twins and settings.de_duplication:
        # Evaluated: its result counts. Being trained now (nothing else is left): its result is not known yet.
        done = [twin for twin in twins if twin.finished]
        if len(done) < len(twins):
            return Wait()
        return Reuse(suggestions, max(done, key=lambda twin: (twin.state == "complete", -twin.number)))
    return Create(suggestions, point, settings.seed + len(twins))


def _why(records: Sequence[TrialRecord], settings: Any, suggester: Suggester) -> str:
    if settings.search_mode == "greedy" and suggester.suggest(
            settings.space, *observations(records), seed=settings.seed) is None:
        return suggester.why(settings.space, observations(records)[0])
    evaluated = len({settings.space.key(record.point) for record in records})
    if evaluated == settings.space.size:
        return f"all {evaluated} points of the space were evaluated"
    return f"max_iter ({settings.max_iter}) suggestions were evaluated"


def ask(records: Sequence[TrialRecord], *, settings: Any, suggester: Suggester) -> Optional[Point]:
    """The suggester's next point; None when there is none.

    A reused trial is no observation of its own, but a draw that led to one must not be drawn again: so it moves
    the seed on.
    """
    finished, running = observations(records)
    reused = sum(record.reused is not None for record in records)
    return suggester.suggest(settings.space, finished, running, seed=settings.seed + _STRIDE * reused)


def observations(records: Sequence[TrialRecord]) -> tuple[list[Observation], list[Point]]:
    """(what a suggester may learn from, by trial number; the points being trained)."""
    trained = [record for record in records if record.reused is None]
    finished = [Observation(number=record.number, point=record.point, value=record.value, state=record.state,
                            curve=record.curve) for record in trained if record.finished]
    return finished, [record.point for record in trained if not record.finished]


def _next_repeat(records: Sequence[TrialRecord], settings: Any) -> Optional[Create]:
    """The next training of a suggestion that has had fewer than ``search_times``; with the next seed."""
    trials: dict[int, list[TrialRecord]] = {}
    for record in records:
        trials.setdefault(record.suggestion, []).append(record)
    for suggestion, repeats in trials.items():
        if len(repeats) < settings.times(repeats[0].point) and repeats[0].reused is None:
            point = repeats[0].point
            return Create(suggestion, point, settings.seed + len(_twins(records, settings.space, point)))
    return None


def _twins(records: Sequence[TrialRecord], space: Space, point: Point) -> list[TrialRecord]:
    """The trainings of ``point`` so far, begun or done."""
    key = space.key(point)
    return [record for record in records if record.reused is None and space.key(record.point) == key]
