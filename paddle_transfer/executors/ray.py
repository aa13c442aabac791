"""Trials on a Ray cluster: each slot is an actor with a worker process of its own.

Ray places the actors, also those of trials whose node has died, and ends them with the driver.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from paddle_transfer.clock import SteadyClock
from paddle_transfer.config.validation import Options
from paddle_transfer.errors import SetupError, cause
from paddle_transfer.executors.base import (
    Ended,
    Event,
    ExecutorContext,
    Job,
    RegisteredExecutor,
    Verdict,
)
from paddle_transfer.executors.ray_cluster import check_nodes, connect, why_no_ray
from paddle_transfer.executors.ray_host import Failure, Host, Place, Shared, leave_mark
from paddle_transfer.executors.ray_options import RayOptions
from paddle_transfer.executors.ray_ship import pack
from paddle_transfer.executors.verdict import verdict
from paddle_transfer.study.trial_folder import TrialFolder
from paddle_transfer.study.trial_log import log_tail

#: Actors of a slot that may die in a row before a job reaches them.
_STARTS = 3
#: Seconds that an actor's poll waits for an event; a stop that comes meanwhile waits as long.
_POLL = 0.5
#: Seconds for workers to end at the end of a search, before Ray kills their actors.
_END = 10.0
#: Beginnings of the names of variables that a worker on another machine gets from the driver.
_PASSED_ON = ("PADDLE", "FLAGS_", "OMP_", "MKL_")


@dataclass
class _Actor:
    """
    :param handle: Ray's
    :param answer: what it was asked last: to open, or for events; None: nothing
    :param place: where it is; None while it waits for its resources
    :param since: when it was asked for
    """

    handle: Any
    answer: Any
    since: float
    place: Place | None = None


@dataclass
class _Slot:
    """One job at once, if any, and an actor for it."""

    actor: _Actor | None = None
    job: Job | None = None
    stop: bool = False
    failed_starts: int = 0

    @property
    def placed(self) -> _Actor | None:
        return self.actor if self.actor is not None and self.actor.place is not None else None


class RayExecutor(RegisteredExecutor):
    """An ``Executor`` of Ray actors, as many as ``context.devices``; what these say does not count.
    Those that the cluster cannot hold wait in its queue.

    :param context: ``log_dir`` gets a folder ``ray-<number>`` for each actor
    :param clock: seconds, monotonic
    Raises SetupError: Ray or a cluster is missing; a node does not see a file.
    """

    name = "ray"
    options = RayOptions
    places_trials = True

    def __init__(self, context: ExecutorContext, options: RayOptions, *,
                 clock: Callable[[], float] = time.monotonic):
        self._context, self._options, self._clock = context, options, SteadyClock(clock)
        self.slots = len(context.devices)
        self._slots = [_Slot() for _ in range(self.slots)]
        self._ray, self._connected = connect(options.address)
        self._mark, self._made = context.log_dir / ".ray", 0
        self._placed = self._closed = False
        try:
            self._shared = self._share()
            check_nodes(self._ray, options.needs(), self.slots, self._shared)
        except BaseException:
            self.close()
            raise

    @classmethod
    def build(cls, options: Options, context: ExecutorContext) -> RayExecutor:
        """``options`` are ``RayOptions``."""
        assert isinstance(options, RayOptions), "EXECUTORS has checked the options"
        return cls(context, options)

    @classmethod
    def lacking(cls) -> str:
        return why_no_ray()

    def submit(self, job: Job) -> str:
        free = [i for i, slot in enumerate(self._slots) if slot.job is None]
        assert free, "no slot is free"
        assert job.number not in self.running(), f"trial {job.number} is under way already"
        number = min(free, key=lambda i: self._slots[i].placed is None)
        slot = self._slots[number]
        slot.job, slot.stop = job, False
        if slot.actor is None:
            self._start(slot)
        else:
            self._hand_over(slot)
        return f"ray:{number}"

    def free(self) -> int:
        return sum(slot.job is None for slot in self._slots)

    def running(self) -> set[int]:
        return {slot.job.number for slot in self._slots if slot.job is not None}

    def poll(self, timeout: float) -> list[Event]:
        """As ``Executor.poll``. Raises SetupError when no trial can run at all, DiskFull."""
        answers: dict[Any, _Slot] = {}
        for slot in self._slots:
            if slot.job is not None and slot.placed and slot.placed.answer is None:
                slot.placed.answer = slot.placed.handle.poll.remote(_POLL)
            if slot.actor is not None and slot.actor.answer is not None:
                answers[slot.actor.answer] = slot
        if not answers:
            time.sleep(timeout)
            return []
        self._ray.wait(list(answers), num_returns=1, timeout=timeout)
        done, _ = self._ray.wait(list(answers), num_returns=len(answers), timeout=0)
        events: list[Event] = []
        for answer in done:
            events += self._receive(answers[answer], answer)
        for slot in self._slots:
            self._lend(slot)
        self._check_placed()
        return events

    def stop(self, number: int) -> None:
        for slot in self._slots:
            if slot.job is not None and slot.job.number == number:
                slot.stop = True
                if slot.placed:
                    slot.placed.handle.stop.remote(number)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        ends = [slot.placed.handle.close.remote() for slot in self._slots if slot.placed]
        if ends:
            self._ray.wait(ends, num_returns=len(ends), timeout=_END)
        for slot in self._slots:
            self._retire(slot)
            slot.job = None
        if self._connected:
            self._ray.shutdown()

    def _share(self) -> Shared:
        token = secrets.token_hex(16)
        self._mark.parent.mkdir(parents=True, exist_ok=True)
        leave_mark(self._mark, token)
        environment = {name: value for name, value in os.environ.items()
                       if name.startswith(_PASSED_ON)}
        try:
            shipments = pack(self._options.ship, self._ray.put)
        except OSError as error:
            raise SetupError(f"executor.ship: {error.filename} cannot be read: "
                             f"{error.strerror}") from error
        return Shared(os.getcwd(), self._context.paths, str(self._mark), token, environment,
                      shipments)

    def _start(self, slot: _Slot) -> None:
        needs, logs = self._options.needs(), self._context.log_dir / f"ray-{self._made}"
        self._made += 1
        handle = self._ray.remote(Host).options(
            num_cpus=needs.pop("CPU", 0), num_gpus=needs.pop("GPU", 0), resources=needs,
        ).remote(replace(self._context, log_dir=logs, keep_fds=()),
                 on_gpu=self._options.gpus_per_trial > 0,
                 startup_timeout=self._options.startup_timeout)
        slot.actor = _Actor(handle, handle.open.remote(self._shared), self._clock())

    def _retire(self, slot: _Slot) -> None:
        if slot.actor is not None:
            with suppress(self._ray.exceptions.RayError):  # it has gone already
                self._ray.kill(slot.actor.handle)
        slot.actor = None

    def _hand_over(self, slot: _Slot) -> None:
        """Give the slot's job to its actor; to one that waits for its place, when it has one."""
        if slot.job is not None and slot.placed:
            slot.placed.handle.submit.remote(slot.job)
            if slot.stop:
                slot.placed.handle.stop.remote(slot.job.number)

    def _lend(self, idle: _Slot) -> None:
        """Exchange the actor of a slot without a job, which holds its resources, for one that waits
        for some while its slot has a job."""
        waiting = next((slot for slot in self._slots if slot.job is not None and not slot.placed),
                       None)
        if waiting is not None and idle.job is None and idle.placed:
            idle.actor, waiting.actor = waiting.actor, idle.actor
            self._hand_over(waiting)

    def _receive(self, slot: _Slot, answer: Any) -> list[Event]:
        """What the slot's actor has answered."""
        actor = slot.actor
        assert actor is not None, "it was asked"
        actor.answer = None
        try:
            said: Place | list[Event] | Failure = self._ray.get(answer)
        except self._ray.exceptions.RayTaskError:
            raise  # a fault of the actor's own code
        except self._ray.exceptions.RayError as error:
            return self._on_death(slot, actor.place, error)
        if isinstance(said, Place):
            if said.fault:
                raise SetupError(f"node {said.node} of the Ray cluster {said.fault}")
            actor.place, slot.failed_starts, self._placed = said, 0, True
            self._hand_over(slot)
            return []
        if isinstance(said, Failure):
            raise said.error(actor.place.node if actor.place else "")
        return [event for event in said if _is_current(slot, event)]

    def _on_death(self, slot: _Slot, place: Place | None, error: Exception) -> list[Event]:
        """The actor is gone, or cannot be reached: so is its worker."""
        job = slot.job
        self._retire(slot)
        if job is not None and place is not None:
            slot.job = None
            return [_lost(job, f"its node {place.node}, or Ray's process there, died "
                               f"({type(error).__name__})")]
        if job is not None:  # the job has not reached it
            slot.failed_starts += 1
            if slot.failed_starts >= _STARTS:
                raise SetupError(f"Ray started a worker {_STARTS} times, and each died before it "
                                 f"had a trial: {cause(error)}") from error
            self._start(slot)
        return []

    def _check_placed(self) -> None:
        """Raises SetupError when nothing at all was placed in time."""
        late = self._clock() - self._options.startup_timeout
        if not self._placed and all(slot.actor.since <= late for slot in self._slots if slot.actor):
            asked = ", ".join(f"{value:g} {name}" for name, value in self._options.needs().items())
            raise SetupError(
                f"executor: Ray has placed no trial after {self._options.startup_timeout:g} s. "
                f"Each asks for {asked}; the cluster has {self._ray.cluster_resources()}. Ask for "
                "less, or start nodes that have it")


def _is_current(slot: _Slot, event: Event) -> bool:
    """Whether ``event`` is of the slot's job, which has no other after its end."""
    job = slot.job
    if job is None or (event.number, event.attempt) != (job.number, job.attempt):
        return False
    if isinstance(event, Ended):
        slot.job = None
    return True


def _lost(job: Job, message: str) -> Ended:
    """The end of a job whose actor died: what it had written counts, else it was killed."""
    folder = TrialFolder(Path(job.directory))
    result = folder.read_result(job.number, job.attempt)
    how, text = verdict(result=result, said={"verdict": Verdict.KILLED, "message": message},
                        exit_code=None, overdue=False)
    return Ended(job.number, job.attempt, how, result=result, message=text,
                 log_tail="" if how.has_result else log_tail(folder.log))
