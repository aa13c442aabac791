"""When no more trials are begun: ``stop: auto``, ``time_budget`` and ``epoch_budget``."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from paddle_transfer.search.ranking import Ranker
from paddle_transfer.settings.budget import most_epochs, searches_epochs
from paddle_transfer.space.space import Point
from paddle_transfer.stages.distillation import raw_config
from paddle_transfer.study.base import Store
from paddle_transfer.study.records import TrialRecord

#: The study's attribute that holds the seconds spent on searching so far.
SECONDS = "seconds_searched"
#: Seconds between two entries of it at most, while epochs come in: what a kill may lose.
_EVERY = 30.0


class AutoStop:
    """``stop: auto``, a ``steps.StopRule``: ends the search when no untried point is expected to gain more than noise
    hides, and never before ``suggest.stopping.LEAST_TRIALS`` points have a result."""

    def __init__(self, ranker: Ranker):
        self._ranker = ranker

    def done(self, records: Sequence[TrialRecord]) -> str | None:
        view = self._ranker.posterior_summary(records)
        if view is None or not view.enough:
            return None
        return (
            f"stop auto: no untried point is expected to gain more than {100 * view.gain:.2f} points, less than "
            f"noise hides ({100 * view.tolerance:.2f})")


class Stopwatch:
    """A listener that counts the seconds of searching, over restarts, in the study's attributes.

    :param clock: seconds, monotonic
    """

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.monotonic):
        self._store, self._clock = store, clock
        self._before = self._noted = float(store.attributes().get(SECONDS, 0.0))
        self._begun: float | None = None

    @property
    def seconds(self) -> float:
        return self._before + (0.0 if self._begun is None else self._clock() - self._begun)

    def search_started(self, settings: Any, records: Sequence[TrialRecord]) -> None:
        self._begun = self._clock()

    def trial_started(self, record: TrialRecord, device: str) -> None:
        self._note()

    def epoch_reported(self, record: TrialRecord, report: Any) -> None:
        if self.seconds - self._noted >= _EVERY:
            self._note()

    def trial_ended(self, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
        self._note()

    def search_ended(self, records: Sequence[TrialRecord], reason: str) -> None:
        self._note()

    def _note(self) -> None:
        if self.seconds > self._noted:
            self._noted = self.seconds
            self._store.set_attribute(SECONDS, round(self._noted, 3))


class Budget:
    """The hard limits, ``steps.Limits``.

    :param settings: time_budget (hours), epoch_budget
    :param seconds: gives the seconds of searching so far
    """

    def __init__(self, settings: Any, *, seconds: Callable[[], float] = lambda: 0.0):
        self._settings, self._seconds = settings, seconds
        self._vary = any(map(searches_epochs, settings.keys))
        self._same = most_epochs(settings.base_config,
                                 settings.keys) if settings.epoch_budget is not None else None

    def refuses(self, records: Sequence[TrialRecord], point: Point | None = None) -> str | None:
        """Why no training (of ``point``) may be begun now; None when one may. A trial that ends early may make room
        again, so it is the end only when none is under way."""
        settings = self._settings
        if settings.time_budget is not None and self._seconds() >= 3600 * settings.time_budget:
            return f"time_budget ({settings.time_budget:g} h) is spent"
        if settings.epoch_budget is None:
            return None
        spent = sum(map(self.epochs_of, records))
        needed = 1 if point is None and self._vary else self._whole(point)
        if spent + needed <= settings.epoch_budget:
            return None
        return f"epoch_budget ({settings.epoch_budget}) has no room for another training after {spent} epochs"

    def epochs_of(self, record: TrialRecord) -> int:
        """The epochs that a trial has spent, and may still need while it is under way."""
        if record.reused is not None:
            return 0
        last = record.curve[-1][0] if record.curve else 0
        return max(last, self._whole(record.point)) if record.state in ("running",
                                                                        "complete") else last

    def _whole(self, point: Point | None) -> int:
        """The epochs of a whole training of ``point``, which may be any where all are alike."""
        return raw_config(self._settings, point)["Global"]["epochs"] if self._vary else self._same
