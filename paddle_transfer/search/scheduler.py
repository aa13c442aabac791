"""What to do next: a pure function of the trials, so that a search that was killed goes on as if it had not been."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Union

from paddle_transfer.samplers.base import Sampler
from paddle_transfer.search.confirm import Training
from paddle_transfer.search.ranking import Ranker
from paddle_transfer.space.space import Point, Space
from paddle_transfer.study.records import TrialRecord, observations

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


Action = Union[Resume, Create, Reuse, Wait, Stop]


class StopRule(Protocol):
    def done(self, records: Sequence[TrialRecord]) -> str | None:
        """Why the search proper is over, told by its ``records``; None while it is not. Trials under way are waited
        for."""
        ...


class Limits(Protocol):
    def refuses(self, records: Sequence[TrialRecord], point: Point | None = None) -> str | None:
        """Why no training, of ``point`` or of any, may be begun beside ``records``; None when one may."""
        ...


def next_action(records: Sequence[TrialRecord], *, in_flight: Collection[int], settings: Any,
                sampler: Sampler, ranker: Ranker | None = None, stop_rule: StopRule | None = None,
                limits: Limits | None = None) -> Action:
    """The next step while a slot is free: trials that were interrupted, then the search proper, then what confirms it.

    :param records: all trials by number
    :param in_flight: the numbers of those that this process runs now
    :param settings: space, times (of a point), max_iter (None: no limit), de_duplication, seed, confirm
    :param ranker: knows which trials confirm, and what is left to be confirmed; one of its own by default
    """
    for record in records:
        if not record.finished and record.number not in in_flight:
            return Resume(record.number)
    ranker = ranker or Ranker(settings)
    own = ranker.searched(records)
    flying = [record.number for record in own if record.number in in_flight]
    step = _search_step(records, own, flying=flying, settings=settings, sampler=sampler,
                        stop_rule=stop_rule, limits=limits)
    if isinstance(step, Create) and limits is not None:
        refusal = limits.refuses(records, step.point)
        step = step if refusal is None else _end(refusal, flying)
    if not isinstance(step, Stop):
        return step
    return _confirm_step(step.reason, records, ranker.to_confirm(records), in_flight=in_flight,
                         settings=settings, limits=limits)


def _search_step(records: Sequence[TrialRecord], own: Sequence[TrialRecord], *,
                 flying: Sequence[int], settings: Any, sampler: Sampler, stop_rule: StopRule | None,
                 limits: Limits | None) -> Action:
    """The next step of the search proper, whose trials are ``own``; ``flying`` are those of them under way."""
    repeat = _next_repeat(records, own, settings)
    if repeat is not None:
        return repeat
    suggestions = 1 + max((record.suggestion for record in records), default=-1)
    enough = settings.max_iter is not None and suggestions >= settings.max_iter
    exhausted = settings.de_duplication and _evaluated(records,
                                                       settings.space) == settings.space.size
    if not enough and not exhausted:  # else that is why it ends
        reason = (stop_rule and stop_rule.done(own)) or (limits and limits.refuses(records))
        if reason:
            return _end(reason, flying)
    point = None if enough else ask(records, settings=settings, sampler=sampler)
    if point is None:
        return Wait() if flying else Stop(_why(records, settings, sampler))
    twins = _twins(records, settings.space, point)
    if twins and settings.de_duplication:
        # Evaluated: its result counts. Being trained now (nothing else is left): its result is not known yet.
        done = [twin for twin in twins if twin.finished]
        if len(done) < len(twins):
            return Wait()
        return Reuse(suggestions,
                     max(done, key=lambda twin: (twin.state == "complete", -twin.number)))
    return Create(suggestions, point, settings.seed + len(twins))


def _end(reason: str, flying: Sequence[int]) -> Action:
    return Wait() if flying else Stop(reason)


def _confirm_step(reason: str, records: Sequence[TrialRecord], left: Sequence[Training], *,
                  in_flight: Collection[int], settings: Any, limits: Limits | None) -> Action:
    """What follows when the search proper has ended for ``reason``, with the trainings ``left`` to be begun."""
    refusal = limits.refuses(records, left[0].point) if left and limits is not None else None
    if left and refusal is None:
        return Create(left[0].suggestion, left[0].point, left[0].seed)
    if in_flight:
        return Wait()
    if left:
        few = f"{len(left)} training{'s' if len(left) > 1 else ''} of confirm {'were' if len(left) > 1 else 'was'}"
        return Stop(f"{reason}; {few} left out" + (f": {refusal}" if refusal != reason else ""))
    return Stop(reason)


def _why(records: Sequence[TrialRecord], settings: Any, sampler: Sampler) -> str:
    if settings.search_mode == "greedy" and sampler.suggest(
            settings.space, *observations(records), seed=settings.seed) is None:
        return sampler.why(settings.space, observations(records)[0])
    evaluated = _evaluated(records, settings.space)
    if evaluated == settings.space.size:
        return f"all {evaluated} points of the space were evaluated"
    return f"max_iter ({settings.max_iter}) suggestions were evaluated"


def _evaluated(records: Sequence[TrialRecord], space: Space) -> int:
    return len({space.key(record.point) for record in records})


def ask(records: Sequence[TrialRecord], *, settings: Any, sampler: Sampler) -> Point | None:
    """The sampler's next point; None when there is none.

    A reused trial is no observation of its own, but a draw that led to one must not be drawn again: so it moves
    the seed on.
    """
    finished, running = observations(records)
    reused = sum(record.reused is not None for record in records)
    return sampler.suggest(settings.space, finished, running, seed=settings.seed + _STRIDE * reused)


def _next_repeat(records: Sequence[TrialRecord], own: Sequence[TrialRecord],
                 settings: Any) -> Create | None:
    """The next training of a suggestion that has had fewer than ``search_times``; with the next seed."""
    trials: dict[int, list[TrialRecord]] = {}
    for record in own:
        trials.setdefault(record.suggestion, []).append(record)
    for suggestion, repeats in trials.items():
        if len(repeats) < settings.times(repeats[0].point) and repeats[0].reused is None:
            point = repeats[0].point
            return Create(suggestion, point,
                          settings.seed + len(_twins(records, settings.space, point)))
    return None


def _twins(records: Sequence[TrialRecord], space: Space, point: Point) -> list[TrialRecord]:
    """The trainings of ``point`` so far, begun or done."""
    key = space.key(point)
    return [
        record for record in records if record.reused is None and space.key(record.point) == key
    ]
