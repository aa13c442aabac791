"""When no more trials are begun: ``stop: auto``, ``time_budget`` and ``epoch_budget``."""
# ruff: noqa: ARG002 (callbacks take the arguments of the protocol)

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from paddle_transfer.clock import SteadyClock
from paddle_transfer.executors.base import EpochReport
from paddle_transfer.loop.ranking import Ranker
from paddle_transfer.settings.budget import most_epochs, searches_epochs
from paddle_transfer.settings.groups import BaseTraining, Budget
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.stages.base import SearchStages
from paddle_transfer.study.base import Store
from paddle_transfer.study.history import Total
from paddle_transfer.study.records import Proposal, TrialRecord, TrialState

#: The study's attribute that holds the seconds spent on searching so far.
SECONDS = "seconds_searched"
#: Seconds between two writes of it: what a kill may lose; more while only epochs come in.
_EVERY, _EPOCHS = 1.0, 30.0


class AutoStop:
    """``stop: auto``, a ``scheduler.StopRule``: ends the search when one more training is expected
    to gain little beside the noise of one, once ``LEAST_TRIALS`` points have a result."""

    def __init__(self, ranker: Ranker):
        self._ranker = ranker

    def done(self, records: Sequence[TrialRecord]) -> str | None:
        view = self._ranker.posterior_summary(records)
        if view is None or not view.enough:
            return None
        return f"stop auto: {view.going_on()}"


class Stopwatch:
    """A callback that counts the seconds of searching, over restarts, in the study's attributes.

    :param clock: seconds, monotonic
    """

    essential = True  # it writes to the study

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.monotonic):
        self._store, self._clock = store, SteadyClock(clock)
        self._before = self._written = float(store.attributes().get(SECONDS, 0.0))
        self._started: float | None = None

    @property
    def seconds(self) -> float:
        return self._before + (0.0 if self._started is None else self._clock() - self._started)

    def search_started(self, records: Sequence[TrialRecord]) -> None:
        self._started = self._clock()

    def trial_started(self, record: TrialRecord, device: str) -> None:
        self._write(after=_EVERY)

    def epoch_reported(self, record: TrialRecord, report: EpochReport) -> None:
        self._write(after=_EPOCHS)

    def turn_ended(self, records: Sequence[TrialRecord]) -> None:
        self._clock()

    def trial_ended(self, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
        self._write(after=_EVERY)

    def search_ended(self, records: Sequence[TrialRecord], reason: str) -> None:
        self._write()

    def _write(self, after: float = 0.0) -> None:
        seconds = self.seconds
        if seconds > self._written and seconds - self._written >= after:
            self._written = seconds
            self._store.set_attribute(SECONDS, round(seconds, 3))


class BudgetLimits:
    """``time_budget`` and ``epoch_budget`` as ``scheduler.Limits``.

    :param seconds: gives the seconds of searching so far
    """

    def __init__(self, budget: Budget, *, base: BaseTraining, keys: Sequence[SearchKey],
                 stages: SearchStages, seconds: Callable[[], float] = lambda: 0.0):
        self._budget, self._stages, self._seconds = budget, stages, seconds
        self._vary = any(map(searches_epochs, keys))
        self._spent = Total(self.epochs_of)
        counts = budget.epoch_budget is not None
        self._same = most_epochs(base.config, keys) if counts else None

    def refuses(self, records: Sequence[TrialRecord],
                proposal: Proposal | None = None) -> str | None:
        """Why no training (of ``proposal``) may be begun now; None when one may. While trials run
        this is not final: one that ends early frees some of the budget."""
        hours, epochs = self._budget.time_budget, self._budget.epoch_budget
        if hours is not None and self._seconds() >= 3600 * hours:
            return f"time_budget ({hours:g} h) is spent"
        if epochs is None:
            return None
        spent = self._spent.over(records)
        needed = 1 if proposal is None and self._vary else self._whole(proposal)
        if spent + needed <= epochs:
            return None
        return f"epoch_budget ({epochs}) has no room for another training after {spent} epochs"

    def epochs_of(self, record: TrialRecord) -> int:
        """The epochs that a trial has spent, and may still need while it runs."""
        if record.reused is not None:
            return 0
        last = record.curve[-1][0] if record.curve else 0
        whole = record.state in (TrialState.RUNNING, TrialState.COMPLETE)
        return max(last, self._whole(record.proposal)) if whole else last

    def _whole(self, proposal: Proposal | None) -> int:
        """The epochs of a whole training of ``proposal``, or of any where all are alike."""
        if proposal is None or not self._vary:
            assert self._same is not None, "the base config says how many epochs there are"
            return self._same
        return int(self._stages.raw_config(proposal)["Global"]["epochs"])
