"""The loop of a search: it keeps all slots busy and records what happens to the trials."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol, TypedDict

from paddle_transfer.errors import StudyError
from paddle_transfer.executors.base import Ended, EpochReport, Executor, Verdict
from paddle_transfer.executors.reliable import ReliableExecutor
from paddle_transfer.executors.verdict import finite_curve
from paddle_transfer.loop.callbacks import (
    INTERRUPTED,
    CallbackList,
    SearchCallback,
    error_reason,
    tell_switched_off,
)
from paddle_transfer.loop.failures import ALL_ALIKE, all_alike, anything_works
from paddle_transfer.loop.measured import other_list
from paddle_transfer.loop.scheduler import Create, Reuse, Scheduler, Stop, Wait
from paddle_transfer.loop.trial_folder import TrialFolders
from paddle_transfer.study.base import Store
from paddle_transfer.study.history import History
from paddle_transfer.study.records import TrialRecord, TrialState

#: A trial that crashes is tried this often in all, however often the search itself is begun again.
CRASHES = 2
#: A trial whose worker is killed from outside, or lost, is tried again this often by one process.
KILLS = 3
#: Seconds between two looks at whether the search was asked to stop.
TURN = 0.5

#: What to do about a trial that runs out of memory.
LESS_MEMORY = "A smaller batch_size or resolution, AMP, or fewer trials at once take less"

#: How a verdict that ends a trial for good is recorded; all others are failures.
_STATES = {Verdict.COMPLETE: TrialState.COMPLETE, Verdict.PRUNED: TrialState.PRUNED,
           Verdict.DIVERGED: TrialState.DIVERGED}
_REASONS = {
    Verdict.CRASHED: "crashed again after a retry", Verdict.KILLED: f"killed {KILLS + 1} times",
    Verdict.OUT_OF_MEMORY: "out of memory", Verdict.TIMEOUT: "timed out",
    Verdict.INVALID: "can never work"}
#: Parts of result.json that a record has elsewhere.
_KNOWN = {"number", "attempt", "verdict", "curve", "value", "message", "stopped", "seed"}


class Pruner(Protocol):
    def should_stop(self, record: TrialRecord, records: Sequence[TrialRecord]) -> bool:
        """Whether the running ``record`` should end now, by its curve and all records."""


class Driver:
    """Runs a search to its end. All state is in ``store``: a new driver on the same store goes on.

    As long as no trial has worked, failures are not final: ``store`` gets them when one has. Until
    then they are failed for this driver only, and a later one, after something was mended, tries
    these trials again.

    :param pruner: asked after every epoch of a trial that does not confirm
    :param interrupted: asked at every turn; True ends the loop and leaves running trials as they
        are
    :param why_not_halved: why a trial that ran out of memory cannot be tried with half the batch
        and the gradients of two added up; empty: it is, once
    """

    def __init__(self, *, scheduler: Scheduler, store: Store, executor: Executor,
                 trial_folders: TrialFolders, callbacks: Sequence[SearchCallback] = (),
                 pruner: Pruner | None = None, interrupted: Callable[[], bool] = lambda: False,
                 why_not_halved: Callable[[TrialRecord], str] = lambda _: ""):
        self._scheduler, self._store = scheduler, store
        self._executor = ReliableExecutor(executor)
        self._trial_folders, self._callbacks = trial_folders, CallbackList(callbacks)
        self._pruner, self._interrupted = pruner, interrupted
        self._why_not_halved = why_not_halved
        self._in_flight: dict[int, str] = {}  # with their devices
        self._kills: dict[int, int] = {}
        self._records = History(scheduler.space)
        self._provisional: list[int] = []  # the trials whose failure the store has not got

    @property
    def records(self) -> list[TrialRecord]:
        """All trials by number."""
        return list(self._records)

    @property
    def callbacks(self) -> tuple[object, ...]:
        """Those that are not switched off."""
        return self._callbacks.active

    def run(self) -> str:
        """Run until the search is over; returns why: ``interrupted`` when it was asked to stop."""
        self._records = History(self._scheduler.space, self._store.records())
        self._callbacks.call("search_started", self._records)
        try:
            reason = self._loop()
        except BaseException as error:
            with suppress(Exception):  # the first error is the one to be seen
                self._callbacks.call("search_ended", self._records, error_reason(error))
            raise
        self._callbacks.call("search_ended", self._records, reason)
        return reason

    def _loop(self) -> str:
        self._adopt_results()
        while not self._interrupted():
            reason = self._fill_slots()
            if reason is not None:
                return reason
            for event in self._executor.poll(TURN):
                if isinstance(event, EpochReport):
                    self._on_epoch(event)
                else:
                    self._on_end(event)
            self._store.sync()
            self._callbacks.call("turn_ended", self._records)
        return INTERRUPTED

    def _adopt_results(self) -> None:
        """Record results that were written when the process before was gone already."""
        for record in list(self._records.unfinished.values()):
            ended = self._trial_folders.ended(record)
            if ended is None or (ended.verdict == Verdict.INVALID
                                 and not anything_works(self._records)):
                continue  # what was invalid may be mended by now
            self._finish(ended, device="")

    def _fill_slots(self) -> str | None:
        """Begin trials while slots are free; why the search is over, or None while it is not."""
        if all_alike(self._records, self._scheduler.space) is not None:
            return None if self._in_flight else ALL_ALIKE
        while self._executor.free() > 0 and len(self._in_flight) < self._executor.slots:
            action = self._scheduler.next_action(self._records, self._in_flight)
            if isinstance(action, Stop):
                return action.reason
            if isinstance(action, Wait) or self._interrupted():
                break
            if isinstance(action, Reuse):
                if action.original.number in self._provisional:
                    self._settle()
                record = self._keep(self._store.reuse(suggestion=action.suggestion,
                                                      original=action.original))
                self._trial_folders.keep(record)
                self._callbacks.call("trial_ended", record, self._records)
            elif isinstance(action, Create):
                self._begin(self._keep(self._store.create(
                    suggestion=action.suggestion, proposal=action.proposal, seed=action.seed)))
            else:
                self._begin(self._records[action.number])
        return None

    def _begin(self, record: TrialRecord) -> None:
        keep = self._trial_folders.saved_epoch(record)
        record = self._keep(self._store.begin(record.number, keep=keep))
        job = self._trial_folders.prepare(record)
        device = self._executor.submit(job)
        self._in_flight[record.number] = device
        self._callbacks.call("trial_started", record, device)

    def _keep(self, record: TrialRecord) -> TrialRecord:
        """Update our copy of the records."""
        self._records.put(record)
        return record

    def _on_epoch(self, report: EpochReport) -> None:
        record = self._records[report.number]
        # an attempt that goes on from a checkpoint tells of the epochs before it once more
        if dict(record.curve).get(report.epoch) != report.value:
            record = self._keep(self._store.report_epoch(
                report.number, epoch=report.epoch, value=report.value))
        self._callbacks.call("epoch_reported", record, report)
        if self._pruner is None or report.epoch < record.curve[-1][0] or self._records.is_repeat(
                record.number, self._scheduler.repeats.search_times):
            return
        try:
            hopeless = self._pruner.should_stop(record, self._records)
        except Exception as error:  # trials that are not stopped early are as good
            self._pruner = None
            tell_switched_off("the pruner", "failed", error)
            return
        if hopeless:
            self._executor.stop(report.number)

    def _on_end(self, ended: Ended) -> None:
        """The one place where an attempt ends."""
        device = self._in_flight.pop(ended.number)
        if ended.verdict == Verdict.CRASHED:
            self._trial_folders.check_room()
        if ended.verdict in (Verdict.CRASHED, Verdict.KILLED, Verdict.OUT_OF_MEMORY):
            short = ended.verdict == Verdict.OUT_OF_MEMORY
            hindrance = self._why_no_less(self._records[ended.number]) if short else ""
            record = self._keep(self._store.note_try(
                ended.number, verdict=ended.verdict, message=ended.message,
                log_tail=ended.log_tail, accumulate=2 if short and not hindrance else 1))
            self._trial_folders.keep(record)
            if hindrance:
                ended = replace(ended, message=f"{ended.message}; {hindrance}. {LESS_MEMORY}")
            elif short:  # with other batches, it begins anew
                self._trial_folders.drop_checkpoint(ended.number)
                return
            elif self._try_again(record, ended.verdict):
                return  # it is running and not in flight: the next free slot takes it
        self._finish(ended, device=device)

    def _why_no_less(self, record: TrialRecord) -> str:
        """Why ``record`` is not tried with half the batch; empty: it is."""
        if record.accumulate > 1:
            return "with half the batch, too"
        why = self._why_not_halved(record)
        return why and f"not tried with half the batch: {why}"

    def _try_again(self, record: TrialRecord, verdict: str) -> bool:
        if verdict == Verdict.CRASHED:
            crashes = sum(one["verdict"] == verdict for one in record.info["tries"])
            return bool(crashes < CRASHES)
        self._kills[record.number] = self._kills.get(record.number, 0) + 1
        return self._kills[record.number] <= KILLS

    def _finish(self, ended: Ended, *, device: str) -> None:
        self._trial_folders.drop_checkpoint(ended.number)
        record = self._records[ended.number]
        other = other_list(ended.result or {}, record, self._records.measured(record.stage))
        if other:  # not a failure of its point, but no result of this search either
            ended = replace(ended, verdict=Verdict.INVALID, result=None, message=other)
        end = outcome(ended, device)
        curve = record.curve if end["curve"] is None else end["curve"]
        record = replace(record, state=end["state"], value=end["value"], curve=curve,
                         info={**record.info, **end["info"]})
        if record.state is TrialState.FAILED and not anything_works(self._records):
            self._keep(record)
            self._provisional.append(ended.number)
        else:
            record = self._write_down(record)
            self._settle()
        self._callbacks.call("trial_ended", record, self._records)
        if other:  # those that follow would be measured on the same other list
            raise StudyError(other)

    def _settle(self) -> None:
        """Write down the failures before the first trial that has worked: they are those of their
        points."""
        for number in self._provisional:
            self._write_down(self._records[number])
        self._provisional = []

    def _write_down(self, record: TrialRecord) -> TrialRecord:
        """End a trial for good: first in its folder, since after a kill what the study does not
        know yet is found there, but not the other way round."""
        self._trial_folders.keep(record)
        return self._keep(self._store.finish(record.number, state=record.state, value=record.value,
                                             curve=record.curve, info=record.info))


class Outcome(TypedDict):
    """What ``Store.finish`` takes."""

    state: TrialState
    value: float | None
    curve: tuple[tuple[int, float], ...] | None
    info: dict[str, Any]


def outcome(ended: Ended, device: str = "") -> Outcome:
    """How the end of a trial's last attempt is recorded."""
    state, result = _STATES.get(ended.verdict, TrialState.FAILED), ended.result or {}
    info = {name: value for name, value in result.items() if name not in _KNOWN}
    if device:
        info["device"] = device
    if not state.has_value:
        info.update(reason=_reason(ended), log_tail=ended.log_tail, verdict=str(ended.verdict))
    return {"state": state, "value": result["value"] if state.has_value else None,
            "curve": finite_curve(result) if result else None, "info": info}


def _reason(ended: Ended) -> str:
    kind = _REASONS.get(ended.verdict, "")  # none where the state says it
    return ": ".join(filter(None, [kind, ended.message])) or str(ended.verdict)
