"""Trials in worker processes on this machine: long-lived, one per device."""

from __future__ import annotations

import math
import selectors
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from paddle_transfer.clock import SteadyClock
from paddle_transfer.config.validation import Options
from paddle_transfer.errors import SetupError
from paddle_transfer.executors.base import (
    Ended,
    EpochReport,
    Event,
    ExecutorContext,
    Job,
    RegisteredExecutor,
    Sharing,
    Verdict,
)
from paddle_transfer.executors.devices import DeviceWatch, physical
from paddle_transfer.executors.local_options import LocalOptions
from paddle_transfer.executors.process import WorkerProcess
from paddle_transfer.executors.verdict import (
    blames_device,
    fatal_error,
    short_of_memory,
    verdict,
)
from paddle_transfer.hardware import out_of_memory_kills
from paddle_transfer.study.trial_folder import TrialFolder
from paddle_transfer.study.trial_log import explained, log_tail, told_by

#: Workers that may die in a row before they are ready; after that no other one is started.
_STARTS = 3
#: Where the kernel has no pidfd, how often to check whether a worker has died, in seconds.
_CHECK = 0.1


@dataclass
class _Slot:
    """One device: its worker, if any, and the job it has, if any.

    :param since: when the job reached the worker; when the worker was started while it is not ready
    :param memory_kills: as ``LocalExecutor`` is given it, when the job reached the worker
    """

    device: str
    worker: WorkerProcess | None = None
    ready: bool = False
    job: Job | None = None
    since: float = 0.0
    epoch: int = 0
    stop: bool = False
    failed_starts: int = 0
    aside: bool = False
    memory_kills: int = 0


class LocalExecutor(RegisteredExecutor):
    """An ``Executor`` of worker processes (``worker.main``). Use it from the main thread only: a
    worker dies with the thread that started it.

    :param context: ``log_dir`` gets ``worker-<slot>.log``; ``trial_timeout`` counts from when a
        ready worker has the job
    :param clock: seconds, monotonic
    :param watch: sets devices that fail aside; None: none is
    :param processes: that train each trial together
    :param memory_kills: how many processes the kernel has ended because memory was short
    """

    name = "local"
    options = LocalOptions

    def __init__(self, context: ExecutorContext, *, startup_timeout: float = 600.0,
                 clock: Callable[[], float] = time.monotonic,
                 watch: DeviceWatch | None = None, processes: int = 1,
                 memory_kills: Callable[[], int] = out_of_memory_kills):
        devices = context.devices
        assert 0 < len(set(devices)) == len(devices), f"devices must differ, but got {devices}"
        self.slots, self._slots = len(devices), [_Slot(device) for device in devices]
        self._context, self._startup_timeout, self._watch = context, startup_timeout, watch
        self._clock, self._processes = SteadyClock(clock), processes
        self._memory_kills = memory_kills
        self._selector = selectors.DefaultSelector()
        context.log_dir.mkdir(parents=True, exist_ok=True)

    @classmethod
    def build(cls, options: Options, context: ExecutorContext) -> LocalExecutor:
        """``options`` are ``LocalOptions``."""
        assert isinstance(options, LocalOptions), "EXECUTORS has checked the options"
        on_gpu = context.devices[0].startswith("gpu")
        processes = options.gpus_per_trial if on_gpu else options.processes_per_trial
        return cls(context, startup_timeout=options.startup_timeout, watch=DeviceWatch(),
                   processes=processes)

    @classmethod
    def sharing(cls, options: Options) -> Sharing:
        assert isinstance(options, LocalOptions), "EXECUTORS has checked the options"
        return options.sharing()

    def submit(self, job: Job) -> str:
        free, watch = self._free(), self._watch
        assert free, "no slot is free"
        slot = free[0] if watch is None else min(free, key=lambda one: watch.failures(one.device))
        assert job.number not in self.running(), f"trial {job.number} is under way already"
        payload = {"device": slot.device.partition(":")[0], **job.payload}
        slot.job = Job(job.number, job.attempt, job.directory, payload)
        slot.epoch, slot.stop = 0, False
        if slot.worker is None:
            self._start(slot)
        elif slot.ready:
            self._hand_over(slot, slot.worker)
        return slot.device

    def free(self) -> int:
        return len(self._free())

    def _free(self) -> list[_Slot]:
        return [slot for slot in self._slots if slot.job is None and not slot.aside]

    def running(self) -> set[int]:
        return {slot.job.number for slot in self._slots if slot.job is not None}

    def poll(self, timeout: float) -> list[Event]:
        """As ``Executor.poll``. Raises SetupError when a worker cannot work at all, DiskFull."""
        if not self.slots:
            assert self._watch is not None, "it sets devices aside"
            raise self._watch.error()
        ready = {key.data for key, _ in self._selector.select(self._longest_wait(timeout))}
        events: list[Event] = []
        for i, slot in enumerate(self._slots):
            worker = slot.worker
            if worker is None:
                continue
            # First whether it is dead, then its messages: so none that it sent is missed.
            exit_code = worker.exit_code() if i in ready or worker.pidfd is None else None
            events += self._receive(slot, worker)
            if slot.worker is worker and exit_code is not None:
                events += self._on_death(slot, worker, exit_code)
            if slot.worker is not None and self._clock() >= self._deadline(slot):
                events += self._on_timeout(slot, slot.worker)
        return events

    def stop(self, number: int) -> None:
        for slot in self._slots:
            if slot.job is not None and slot.job.number == number:
                slot.stop = True
                if slot.ready and slot.worker is not None:
                    slot.worker.send({"type": "stop", "number": number})

    def close(self) -> None:
        for slot in self._slots:
            self._retire(slot)
            slot.job = None
        self._selector.close()

    def worker_pids(self) -> list[int]:
        """The process ids of the workers that run."""
        return [slot.worker.pid for slot in self._slots if slot.worker is not None]

    def _start(self, slot: _Slot) -> None:
        number = self._slots.index(slot)
        worker = WorkerProcess(
            device=slot.device, runner=self._context.runner, keep_fds=self._context.keep_fds,
            processes=self._processes, log=self._context.log_dir / f"worker-{number}.log")
        slot.worker, slot.ready, slot.since = worker, False, self._clock()
        self._selector.register(worker.reports, selectors.EVENT_READ, number)
        if worker.pidfd is not None:
            self._selector.register(worker.pidfd, selectors.EVENT_READ, number)

    def _retire(self, slot: _Slot) -> None:
        if slot.worker is None:
            return
        for descriptor in (slot.worker.reports, slot.worker.pidfd):
            if descriptor is not None and descriptor in self._selector.get_map():
                self._selector.unregister(descriptor)
        slot.worker.end()
        slot.worker, slot.ready = None, False

    def _hand_over(self, slot: _Slot, worker: WorkerProcess) -> None:
        if slot.job is None:
            return
        slot.since, slot.memory_kills = self._clock(), self._memory_kills()
        worker.send({"type": "job", **asdict(slot.job)})
        if slot.stop:
            worker.send({"type": "stop", "number": slot.job.number})

    def _receive(self, slot: _Slot, worker: WorkerProcess) -> list[Event]:
        messages, ended = worker.receive()
        if ended and worker.reports in self._selector.get_map():
            self._selector.unregister(worker.reports)
        events: list[Event] = []
        for message in messages:
            kind, job = message.get("type"), slot.job
            if kind == "ready":
                slot.ready, slot.failed_starts = True, 0
                self._hand_over(slot, worker)
            elif kind == "fatal":
                text = str(message.get("message", ""))
                if self._watch is None or job is None or not blames_device(text):
                    raise fatal_error(message, f"worker on {slot.device}", log=worker.log,
                                      ready=slot.ready)
                events.append(self._end(slot, worker, job, said={"verdict": Verdict.CRASHED,
                                                                 "message": text}))
            elif job and (message["number"], message["attempt"]) == (job.number, job.attempt):
                events += (self._report(slot, job, message) if kind == "epoch"
                           else [self._end(slot, worker, job, said=message)])
        return events

    def _report(self, slot: _Slot, job: Job, message: dict[str, Any]) -> list[Event]:
        if message["epoch"] <= slot.epoch:
            return []
        slot.epoch = message["epoch"]
        return [EpochReport(job.number, job.attempt, slot.epoch, message["value"],
                            message["scalars"], message.get("images"))]

    def _on_death(self, slot: _Slot, worker: WorkerProcess, exit_code: int) -> list[Event]:
        events: list[Event] = []
        if slot.job is not None and slot.ready:
            events = [self._end(slot, worker, slot.job, exit_code=exit_code)]
        self._retire(slot)
        if slot.job is not None:  # it died before the job reached it, so the job is as good as new
            slot.failed_starts += 1
            if slot.failed_starts >= _STARTS:
                raise SetupError(f"a worker on {slot.device} died {_STARTS} times before it was "
                                 f"ready (exit code {exit_code}). {told_by(worker.log)}")
            self._start(slot)
        return events

    def _on_timeout(self, slot: _Slot, worker: WorkerProcess) -> list[Event]:
        if not slot.ready:
            self._retire(slot)
            raise SetupError(f"a worker on {slot.device} was not ready after "
                             f"{self._startup_timeout:g} s. {told_by(worker.log)}")
        assert slot.job is not None, "a worker without a job has no deadline"
        ended = self._end(slot, worker, slot.job, overdue=True)
        self._retire(slot)
        return [ended]

    def _end(self, slot: _Slot, worker: WorkerProcess, job: Job, *,
             said: dict[str, Any] | None = None, exit_code: int | None = None,
             overdue: bool = False) -> Ended:
        slot.job = None
        folder = TrialFolder(Path(job.directory))
        result = folder.read_result(job.number, job.attempt)
        how, message = verdict(result=result, said=said, exit_code=exit_code, overdue=overdue)
        if (said or {}).get("unfit"):
            self._retire(slot)
        if how in (Verdict.CRASHED, Verdict.KILLED):
            if how is Verdict.KILLED or not short_of_memory(message):
                message = explained(message, folder.log)
            self._retire(slot)  # whatever state it is in, it is not fit for another job
        if how is Verdict.KILLED and exit_code == -signal.SIGKILL and (
                self._memory_kills() > slot.memory_kills):
            message = f"{message}; meanwhile the kernel has ended processes, for memory was short"
            if job.attempt > 1:  # the first time another process may have taken it
                how = Verdict.OUT_OF_MEMORY
        if how is Verdict.CRASHED and short_of_memory(message):
            how = Verdict.OUT_OF_MEMORY
        tail = "" if how.has_result else log_tail(folder.log) or log_tail(worker.log)
        return self._judged(slot, Ended(job.number, job.attempt, how, result=result,
                                        message=message, log_tail=tail))

    def _judged(self, slot: _Slot, ended: Ended) -> Ended:
        """``ended``, after a look at the device; sets that aside where it has failed too often."""
        if self._watch is None:
            return ended
        device = physical(slot.device)
        same = [one for one in self._slots if physical(one.device) == device]
        ended = self._watch.judged(device, ended, shared=any(
            one.worker is not None for one in same if one is not slot))
        idle = [one for one in same if one.job is None and not one.aside]
        if self._watch.is_set_aside(device) and idle:
            for one in idle:  # a busy one goes when its job has ended
                self._retire(one)
                one.aside, self.slots = True, self.slots - 1
            self._watch.tell(device, [one.device for one in self._slots if not one.aside])
        return ended

    def _deadline(self, slot: _Slot) -> float:
        if not slot.ready:
            return slot.since + self._startup_timeout
        timeout = self._context.trial_timeout
        return math.inf if slot.job is None or timeout is None else slot.since + timeout

    def _longest_wait(self, timeout: float) -> float:
        """The seconds that a poll may wait: not past a deadline."""
        working = [(slot, slot.worker) for slot in self._slots if slot.worker is not None]
        nearest = min((self._deadline(slot) - self._clock() for slot, _ in working),
                      default=math.inf)
        blind = any(worker.pidfd is None for _, worker in working)
        return max(0.0, min(timeout, nearest, _CHECK if blind else math.inf))
