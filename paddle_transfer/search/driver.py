"""The loop of a search: asks what is next, keeps all slots busy, writes down what happened, in that order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from paddle_transfer.executors.base import Ended, EpochReport, Executor
from paddle_transfer.executors.verdict import finite_curve
from paddle_transfer.samplers.base import Sampler
from paddle_transfer.search.callbacks import INTERRUPTED, CallbackList, SearchCallback, error_reason
from paddle_transfer.search.confirm import confirming
from paddle_transfer.search.ranking import Ranker
from paddle_transfer.search.scheduler import (
    Action,
    Create,
    Limits,
    Reuse,
    Stop,
    StopRule,
    Wait,
    next_action,
)
from paddle_transfer.search.trial_folder import TrialFolders
from paddle_transfer.study.base import Store
from paddle_transfer.study.records import TrialRecord

#: A trial that crashes is tried this often in all, however often the search itself is begun again.
CRASHES = 2
#: A trial whose worker is killed from outside, or lost, is tried again this often by one process.
KILLS = 3
#: Seconds between two looks at whether the search was asked to stop.
_TURN = 0.5

#: How a verdict that ends a trial for good is recorded.
_STATES = {
    "complete": "complete", "pruned": "pruned", "diverged": "diverged", "invalid": "failed",
    "timeout": "failed", "crashed": "failed", "killed": "failed"
}


class Pruner(Protocol):
    def should_stop(self, record: TrialRecord, records: Sequence[TrialRecord]) -> bool:
        """Whether the running ``record`` is hopeless, told by its curve and all records."""
        ...


class Driver:
    """Runs a search to its end. All state that matters is in ``store``: a new driver on the same store goes on.

    :param settings: space, search_times, max_iter, de_duplication, seed, confirm
    :param pruner: asked after every epoch of a trial that does not confirm
    :param ranker: says what is left to be confirmed; one of its own by default
    :param interrupted: asked at every turn; True ends the loop, with trials under way left as they are
    """
    def __init__(self, *, settings: Any, store: Store, executor: Executor, sampler: Sampler,
                 trial_folders: TrialFolders, callbacks: Sequence[SearchCallback] = (),
                 pruner: Pruner | None = None, stop_rule: StopRule | None = None,
                 limits: Limits | None = None, ranker: Ranker | None = None,
                 interrupted: Callable[[], bool] = lambda: False):
        self._settings, self._store, self._executor, self._sampler = settings, store, executor, sampler
        self._trial_folders, self._callbacks = trial_folders, CallbackList(callbacks)
        self._pruner, self._stop_rule, self._limits, self._interrupted = pruner, stop_rule, limits, interrupted
        self._ranker = ranker or Ranker(settings)
        self._in_flight: dict[int, tuple[int, str]] = {}  # number -> (attempt, device)
        self._kills: dict[int, int] = {}
        self._verdicts: dict[tuple[int, int], str] = {}
        self._records: list[TrialRecord] = []

    def run(self) -> str:
        """Run until the search is over; why it is. ``interrupted`` when it was asked to stop."""
        self._records = self._store.records()
        self._callbacks.tell("search_started", self._settings, list(self._records))
        try:
            reason = self._loop()
        except BaseException as error:
            with suppress(Exception):  # the first error is the one to be seen
                self._over(error_reason(error))
            raise
        self._over(reason)
        return reason

    def _loop(self) -> str:
        self._adopt()
        while True:
            if self._interrupted():
                return INTERRUPTED
            reason = self._fill()
            if reason is not None:
                return reason
            for event in self._executor.poll(_TURN):
                if isinstance(event, EpochReport):
                    self._epoch(event)
                else:
                    self._ended(event)
            self._find_lost()

    def _over(self, reason: str) -> None:
        self._callbacks.tell("search_ended", list(self._records), reason)

    # -- beginning trials ----------------------------------------------------------------------------------------

    def _adopt(self) -> None:
        """Take over results that were written when nobody was left to hear of them."""
        for record in self._records:
            result = None if record.finished else self._trial_folders.result(record)
            if result is not None:
                self._conclude(
                    Ended(record.number, record.attempts, result["verdict"], result=result,
                          message=str(result.get("message", ""))), device="")

    def _fill(self) -> str | None:
        """Begin trials while slots are free; why the search is over, or None while it is not."""
        while self._executor.free() > 0 and len(self._in_flight) < self._executor.slots:
            step = self._next()
            if isinstance(step, Stop):
                return step.reason
            if isinstance(step, Wait) or self._interrupted():
                break
            if isinstance(step, Reuse):
                record = self._keep(
                    self._store.reuse(suggestion=step.suggestion, original=step.original))
                self._callbacks.tell("trial_ended", record, list(self._records))
            elif isinstance(step, Create):
                self._begin(self._keep(self._store.create(
                    suggestion=step.suggestion, point=step.point, seed=step.seed)))
            else:
                self._begin(self._records[step.number])
        return None

    def _next(self) -> Action:
        return next_action(self._records, in_flight=self._in_flight, settings=self._settings,
                           sampler=self._sampler, ranker=self._ranker, stop_rule=self._stop_rule,
                           limits=self._limits)

    def _begin(self, record: TrialRecord) -> None:
        record = self._keep(self._store.begin(record.number))
        device = self._executor.submit(self._trial_folders.prepare(record))
        self._in_flight[record.number] = (record.attempts, device)
        self._callbacks.tell("trial_started", record, device)

    def _keep(self, record: TrialRecord) -> TrialRecord:
        """Our copy of the records, kept in step with the store."""
        self._records[record.number:record.number + 1] = [record]
        return record

    # -- what comes back -----------------------------------------------------------------------------------------

    def _is_ours(self, event: EpochReport | Ended) -> bool:
        """False for what comes late: from an earlier attempt, or after the trial has ended."""
        return self._in_flight.get(event.number, (0, ""))[0] == event.attempt

    def _epoch(self, report: EpochReport) -> None:
        if not self._is_ours(report):
            return
        record = self._keep(
            self._store.report_epoch(report.number, epoch=report.epoch, value=report.value))
        self._callbacks.tell("epoch_reported", record, report)
        if self._pruner is not None and record.number not in confirming(
                self._records, self._settings) and (self._pruner.should_stop(
                    record, list(self._records))):
            self._executor.stop(report.number)

    def _ended(self, ended: Ended) -> None:
        """One place where an attempt ends. The same verdict twice is nothing, another one is an executor's mistake."""
        if not self._is_ours(ended):
            known = self._verdicts.get((ended.number, ended.attempt))
            assert known in (
                None,
                ended.verdict), f"trial {ended.number} ended as {known} and then as {ended.verdict}"
            return
        self._verdicts[ended.number, ended.attempt] = ended.verdict
        _, device = self._in_flight.pop(ended.number)
        if ended.verdict == "crashed":
            self._trial_folders.check_room()
        if ended.verdict in ("crashed", "killed"):
            record = self._keep(
                self._store.note_try(ended.number, verdict=ended.verdict, message=ended.message,
                                     log_tail=ended.log_tail))
            if self._try_again(record, ended.verdict):
                return  # it is running and not in flight: the next free slot takes it
        self._conclude(ended, device=device)

    def _try_again(self, record: TrialRecord, verdict: str) -> bool:
        if verdict == "crashed":
            return sum(one["verdict"] == "crashed" for one in record.info["tries"]) < CRASHES
        self._kills[record.number] = self._kills.get(record.number, 0) + 1
        return self._kills[record.number] <= KILLS

    def _conclude(self, ended: Ended, *, device: str) -> None:
        state, result = _STATES[ended.verdict], ended.result or {}
        info = {
            name: result[name]
            for name in result
            if name not in ("number", "attempt", "verdict", "curve", "value", "message", "stopped",
                            "seed")
        }
        if device:
            info["device"] = device
        if state not in ("complete", "pruned"):
            info.update(reason=_reason(ended), log_tail=ended.log_tail)
        record = self._keep(
            self._store.finish(ended.number, state=state,
                               value=result["value"] if state in ("complete", "pruned") else None,
                               curve=finite_curve(result) if result else None, info=info))
        self._callbacks.tell("trial_ended", record, list(self._records))

    def _find_lost(self) -> None:
        """A trial that the executor no longer knows, and never said how it ended, counts as killed."""
        for number in sorted(set(self._in_flight) - self._executor.running()):
            attempt, _ = self._in_flight[number]
            result = self._trial_folders.result(self._records[number])
            self._ended(
                Ended(number, attempt, result["verdict"] if result else "killed", result=result,
                      message="the executor lost it"))


def _reason(ended: Ended) -> str:
    kind = {
        "crashed": "crashed again after a retry", "killed": f"killed {KILLS + 1} times",
        "timeout": "timed out", "invalid": "can never work", "diverged": "diverged"
    }[ended.verdict]
    return f"{kind}: {ended.message}" if ended.message else kind
