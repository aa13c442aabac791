"""Trials in worker processes on this machine: long-lived, one per device."""

from __future__ import annotations

import math
import selectors
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from paddle_transfer.errors import DiskFull, SetupError, StudyError
from paddle_transfer.executors.base import Ended, EpochReport, Event, Job, Verdict
from paddle_transfer.executors.process import WorkerProcess
from paddle_transfer.executors.verdict import verdict
from paddle_transfer.study.trial_folder import TrialFolder, log_tail

#: A worker that dies this often in a row before it is ready will not start the next time either.
_STARTS = 3
#: Where the kernel has no pidfd, how often to look whether a worker has died, in seconds.
_LOOK = 0.1


@dataclass
class _Slot:
    """One device: its worker, if any, and the job it has, if any. ``since`` is when the job reached
    the worker, or when the worker was started while it is not ready."""

    device: str
    worker: WorkerProcess | None = None
    ready: bool = False
    job: Job | None = None
    since: float = 0.0
    epoch: int = 0
    stop: bool = False
    failed_starts: int = 0


class LocalExecutor:
    """An ``Executor`` of worker processes (``worker.main``). To be used from one thread, the main
    one: a worker dies with the thread that started it.

    :param devices: one per slot, ``cpu:0`` or ``gpu:3``; its kind is added to a job's payload as
        ``device``
    :param runner: ``MODULE:FUNCTION`` that the workers import
    :param log_dir: gets ``worker-<slot>.log``
    :param trial_timeout: seconds per attempt, from when a ready worker has it; None for no end
    :param startup_timeout: seconds that a worker may take to import the runner
    :param clock: seconds, monotonic
    :param keep_fds: descriptors that the workers hold open (the output directory's lock)
    """

    def __init__(self, *, devices: Sequence[str], runner: str, log_dir: str | Path,
                 trial_timeout: float | None = None, startup_timeout: float = 600.0,
                 clock: Callable[[], float] = time.monotonic, keep_fds: Sequence[int] = ()):
        assert devices and len(
            set(devices)) == len(devices), f"devices must be there and differ, but got {devices}"
        self.slots = len(devices)
        self._slots = [_Slot(device) for device in devices]
        self._runner, self._log_dir, self._keep_fds = runner, Path(log_dir), tuple(keep_fds)
        self._trial_timeout, self._startup_timeout, self._clock = trial_timeout, startup_timeout, clock
        self._selector = selectors.DefaultSelector()
        self._log_dir.mkdir(parents=True, exist_ok=True)

    def submit(self, job: Job) -> str:
        slot = next((slot for slot in self._slots if slot.job is None), None)
        assert slot is not None, "no slot is free"
        assert job.number not in self.running(), f"trial {job.number} is under way already"
        payload = {"device": slot.device.partition(":")[0], **job.payload}
        slot.job, slot.epoch, slot.stop = Job(job.number, job.attempt, job.directory,
                                              payload), 0, False
        if slot.worker is None:
            self._start(slot)
        elif slot.ready:
            self._hand_over(slot)
        return slot.device

    def free(self) -> int:
        return sum(slot.job is None for slot in self._slots)

    def running(self) -> set[int]:
        return {slot.job.number for slot in self._slots if slot.job is not None}

    def poll(self, timeout: float) -> list[Event]:
        """As ``Executor.poll``. Raises SetupError when a worker cannot work at all, DiskFull."""
        ready = {key.data for key, _ in self._selector.select(self._patience(timeout))}
        events: list[Event] = []
        for i, slot in enumerate(self._slots):
            if slot.worker is not None:
                # First whether it is dead, then what it said: so nothing that it said before it
                # died is missed.
                exit_code = slot.worker.exit_code(
                ) if i in ready or slot.worker.pidfd is None else None
                events += self._listen(slot)
                if slot.worker is not None and exit_code is not None:
                    events += self._buried(slot, exit_code)
            if slot.worker is not None and self._clock() >= self._deadline(slot):
                events += self._overdue(slot)
        return events

    def stop(self, number: int) -> None:
        for slot in self._slots:
            if slot.job is not None and slot.job.number == number:
                slot.stop = True
                if slot.ready:
                    slot.worker.send({"type": "stop", "number": number})

    def close(self) -> None:
        for slot in self._slots:
            self._retire(slot)
            slot.job = None
        self._selector.close()

    def worker_pids(self) -> list[int]:
        return [slot.worker.pid for slot in self._slots if slot.worker is not None]

    # -- one worker's life
    # ---------------------------------------------------------------------------------------

    def _start(self, slot: _Slot) -> None:
        number = self._slots.index(slot)
        slot.worker = WorkerProcess(device=slot.device, runner=self._runner,
                                    keep_fds=self._keep_fds,
                                    log=self._log_dir / f"worker-{number}.log")
        slot.ready, slot.since = False, self._clock()
        self._selector.register(slot.worker.reports, selectors.EVENT_READ, number)
        if slot.worker.pidfd is not None:
            self._selector.register(slot.worker.pidfd, selectors.EVENT_READ, number)

    def _retire(self, slot: _Slot) -> None:
        if slot.worker is None:
            return
        for descriptor in (slot.worker.reports, slot.worker.pidfd):
            if descriptor is not None and descriptor in self._selector.get_map():
                self._selector.unregister(descriptor)
        slot.worker.end()
        slot.worker, slot.ready = None, False

    def _hand_over(self, slot: _Slot) -> None:
        slot.since = self._clock()
        slot.worker.send({"type": "job", **asdict(slot.job)})
        if slot.stop:
            slot.worker.send({"type": "stop", "number": slot.job.number})

    def _listen(self, slot: _Slot) -> list[Event]:
        messages, ended = slot.worker.receive()
        if ended and slot.worker.reports in self._selector.get_map():
            self._selector.unregister(slot.worker.reports)
        events: list[Event] = []
        for message in messages:
            kind = message.get("type")
            if kind == "ready":
                slot.ready, slot.failed_starts = True, 0
                if slot.job is not None:
                    self._hand_over(slot)
            elif kind == "fatal":
                raise self._fatal(slot, message)
            elif slot.job and (message.get("number"), message.get("attempt")) == (slot.job.number,
                                                                                  slot.job.attempt):
                events += self._report(slot, message) if kind == "epoch" else self._said(
                    slot, message)
        return events

    def _report(self, slot: _Slot, message: dict[str, Any]) -> list[Event]:
        if message["epoch"] <= slot.epoch:
            return []
        slot.epoch = message["epoch"]
        return [
            EpochReport(slot.job.number, slot.job.attempt, slot.epoch, message["value"],
                        message["scalars"])
        ]

    def _said(self, slot: _Slot, message: dict[str, Any]) -> list[Event]:
        ended = self._end(slot, said=message)
        if ended.verdict in (Verdict.CRASHED, Verdict.KILLED):  # whatever state it is in, it is not fit for another job
            self._retire(slot)
        return [ended]

    def _buried(self, slot: _Slot, exit_code: int) -> list[Event]:
        was_ready, log = slot.ready, slot.worker.log
        events: list[Event] = []
        if slot.job is not None and was_ready:
            events = [self._end(slot, exit_code=exit_code)]
        self._retire(slot)
        if slot.job is not None:  # it died before the job reached it, so the job is as good as new
            slot.failed_starts += 1
            if slot.failed_starts >= _STARTS:
                raise SetupError(
                    f"a worker on {slot.device} died {_STARTS} times before it was ready (exit code "
                    f"{exit_code}). Its log, {log}, ends with:\n{log_tail(log) or '(nothing)'}")
            self._start(slot)
        return events

    def _overdue(self, slot: _Slot) -> list[Event]:
        if not slot.ready:
            log = slot.worker.log
            self._retire(slot)
            raise SetupError(
                f"a worker on {slot.device} was not ready after {self._startup_timeout:g} s. "
                f"Its log, {log}, ends with:\n{log_tail(log) or '(nothing)'}")
        ended = self._end(slot, overdue=True)
        self._retire(slot)
        return [ended]

    def _end(self, slot: _Slot, *, said: dict | None = None, exit_code: int | None = None,
             overdue: bool = False) -> Ended:
        job, slot.job = slot.job, None
        folder = TrialFolder(Path(job.directory))
        result = folder.read_result(job.number, job.attempt)
        how, message = verdict(result=result, said=said, exit_code=exit_code, overdue=overdue)
        tail = "" if how.has_result else log_tail(folder.log) or log_tail(slot.worker.log)
        return Ended(job.number, job.attempt, how, result=result, message=message, log_tail=tail)

    def _fatal(self, slot: _Slot, message: dict[str, Any]) -> Exception:
        text = str(message.get("message", ""))
        if message.get("kind") == "setup":
            return SetupError(text)
        if message.get("kind") == "disk_full":
            return DiskFull(f"the worker on {slot.device}: {text}")
        return (
            StudyError if slot.ready else SetupError
        )(f"the worker on {slot.device} cannot work: {text}. Its log, {slot.worker.log}, ends with:\n"
          f"{log_tail(slot.worker.log) or '(nothing)'}")

    # -- time
    # ----------------------------------------------------------------------------------------------------

    def _deadline(self, slot: _Slot) -> float:
        if not slot.ready:
            return slot.since + self._startup_timeout
        return math.inf if slot.job is None or self._trial_timeout is None else slot.since + self._trial_timeout

    def _patience(self, timeout: float) -> float:
        working = [slot for slot in self._slots if slot.worker is not None]
        nearest = min((self._deadline(slot) - self._clock() for slot in working), default=math.inf)
        blind = any(slot.worker.pidfd is None for slot in working)
        return max(0.0, min(timeout, nearest, _LOOK if blind else math.inf))
