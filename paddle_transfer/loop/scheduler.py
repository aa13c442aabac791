"""What to do next: a function of the trials, so that a search can be killed and resumed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from paddle_transfer.loop.ranking import Ranker
from paddle_transfer.samplers.base import Sampler
from paddle_transfer.settings.groups import Repeats
from paddle_transfer.space.space import Space
from paddle_transfer.stages.base import SearchStages
from paddle_transfer.study.history import History
from paddle_transfer.study.records import Proposal, TrialRecord


@dataclass(frozen=True)
class Resume:
    """Run the recorded trial ``number``, for the first time or again."""

    number: int


@dataclass(frozen=True)
class Create:
    """Begin a new trial."""

    suggestion: int
    proposal: Proposal
    seed: int


@dataclass(frozen=True)
class Reuse:
    """Record a suggestion that needs no training: it gets the result of the trial ``original``."""

    suggestion: int
    original: TrialRecord


@dataclass(frozen=True)
class Wait:
    """Nothing can be begun before a running trial has ended."""


@dataclass(frozen=True)
class Stop:
    """The search is over, for ``reason``."""

    reason: str


Action = Resume | Create | Reuse | Wait | Stop


class StopRule(Protocol):
    def done(self, records: Sequence[TrialRecord]) -> str | None:
        """Why the search proper, whose trials are ``records``, is over; None while it is not.
        Running trials are waited for."""


class Limits(Protocol):
    def refuses(self, records: Sequence[TrialRecord],
                proposal: Proposal | None = None) -> str | None:
        """Why no training may begin now (of ``proposal``; None: of any); None when one may."""


@dataclass(frozen=True, kw_only=True)
class Scheduler:
    """Decides what a free slot does.

    :param max_iter: suggestions at most; None: no limit
    :param ranker: knows which trials confirm, and what is left to be confirmed
    """

    stages: SearchStages
    sampler: Sampler
    space: Space
    repeats: Repeats
    ranker: Ranker
    max_iter: int | None = None
    stop_rule: StopRule | None = None
    limits: Limits | None = None

    def next_action(self, records: Sequence[TrialRecord], in_flight: Collection[int]) -> Action:
        """The next action while a slot is free: trials that were interrupted, then the search
        proper, then what confirms it.

        :param records: all trials by number
        :param in_flight: the numbers of those that this process runs now
        """
        history = History.of(self.space, records)
        idle = history.unfinished.keys() - in_flight
        if idle:
            return Resume(min(idle))
        times = self.repeats.search_times
        running = any(not history.is_repeat(number, times) for number in history.unfinished)
        action = self._search(history, running)
        if isinstance(action, Create):
            refusal = self._refusal(history, action.proposal)
            action = action if refusal is None else _end(refusal, running)
        if not isinstance(action, Stop):
            return action
        return self._confirm(action.reason, history, bool(in_flight))

    def _refusal(self, records: Sequence[TrialRecord],
                 proposal: Proposal | None = None) -> str | None:
        return self.limits.refuses(records, proposal) if self.limits is not None else None

    def _search(self, records: History, running: bool) -> Action:
        """The next action of the search proper, some of whose trials are ``running``."""
        repeat = self._next_repeat(records)
        if repeat is not None:
            return repeat
        suggestions = records.suggestions
        enough = self.max_iter is not None and suggestions >= self.max_iter
        exhausted = self.repeats.de_duplication and len(records.points) == self.space.size
        if not enough and not exhausted:  # else that is why it ends
            reason = (self.stop_rule and self.stop_rule.done(
                self.ranker.searched(records))) or self._refusal(records)
            if reason:
                return _end(reason, running)
        proposal = None if enough else self.stages.propose(records, self.sampler)
        if proposal is None:
            return Wait() if running else Stop(self._why_done(records))
        earlier = records.trainings(proposal.key(self.space))
        if not earlier or not self.repeats.de_duplication:
            return Create(suggestions, proposal, self.repeats.seed + len(earlier))
        # Evaluated: its result counts. Running now (nothing else is left): there is no result yet.
        if not all(record.finished for record in earlier):
            return Wait()
        return Reuse(suggestions, max(earlier, key=lambda one: (one.complete, -one.number)))

    def _confirm(self, reason: str, records: Sequence[TrialRecord], running: bool) -> Action:
        """What follows when the search proper has ended for ``reason``."""
        left = self.ranker.to_confirm(records)
        refusal = self._refusal(records, left[0].proposal) if left else None
        if left and refusal is None:
            return Create(left[0].suggestion, left[0].proposal, left[0].seed)
        if running:
            return Wait()
        if left:
            few = "1 training of confirm was" if len(left) == 1 else (
                f"{len(left)} trainings of confirm were")
            reason += f"; {few} left out" + (f": {refusal}" if refusal != reason else "")
        return Stop(reason)

    def _why_done(self, records: History) -> str:
        if self.stages.propose(records, self.sampler) is None:
            reason = self.stages.why_done(records)
            if reason is not None:
                return reason
        evaluated = len(records.points)
        if evaluated == self.space.size:
            return ("the only point of the space was evaluated" if evaluated == 1
                    else f"all {evaluated} points of the space were evaluated")
        return f"max_iter ({self.max_iter}) suggestions were evaluated"

    def _next_repeat(self, records: History) -> Create | None:
        """The next training of a suggestion that has had too few; with the next seed."""
        short = records.short_of(self.stages.times)
        if not short:
            return None
        proposal = short[0].proposal
        before = records.trainings(proposal.key(self.space))
        return Create(short[0].suggestion, proposal, self.repeats.seed + len(before))


def _end(reason: str, running: bool) -> Action:
    return Wait() if running else Stop(reason)
