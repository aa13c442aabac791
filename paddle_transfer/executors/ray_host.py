"""What runs on a node of a Ray cluster: a look at its files, and a host of one worker process.

Imports no Ray: the executor (``ray``) makes a task and an actor of these.
"""

from __future__ import annotations

import fcntl
import os
import platform
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from paddle_transfer import __version__
from paddle_transfer.errors import PaddleTransferError, SetupError
from paddle_transfer.executors.base import Event, ExecutorContext, Job
from paddle_transfer.executors.local import LocalExecutor
from paddle_transfer.executors.ray_ship import Shipment, unpack
from paddle_transfer.registry import attribute_of


@dataclass(frozen=True)
class Shared:
    """What every node must have under the same path as the driver.

    :param folder: the driver's current directory; all paths may be relative to it
    :param paths: files and folders that trials read
    :param mark: a file in ``output_dir/logs`` with the text ``token`` (``leave_mark``)
    :param environment: variables that workers get
    :param shipments: what a node gets where it does not have it
    """

    folder: str
    paths: Sequence[str]
    mark: str
    token: str
    environment: Mapping[str, str]
    shipments: Sequence[Shipment] = ()
    version: str = __version__


@dataclass(frozen=True)
class Place:
    """Where a trial would run.

    :param device: as ``process.worker_environment`` takes it
    :param fault: why no trial can run there, in one line; empty: one can
    """

    node: str
    device: str = ""
    fault: str = ""


def look(shared: Shared) -> Place:
    """This node, with what it lacks after it has got the shipments. Makes ``shared.folder`` the
    current directory."""
    return Place(platform.node(), fault=_unpacked(shared.shipments) or _fault(shared))


def _unpacked(shipments: Sequence[Shipment]) -> str:
    """What keeps the shipments from lying here; empty: nothing does."""
    if shipments:
        get = attribute_of("ray:get")
        for shipment in shipments:
            try:
                unpack(shipment, get)
            except OSError as error:
                return (f"cannot write {shipment.path}, which executor.ship sends there: "
                        f"{error.strerror}. The user that Ray runs as needs to")
    return ""


def _fault(shared: Shared) -> str:
    if shared.version != __version__:
        return (f"has paddle_transfer {__version__}, the search {shared.version}. Install the same "
                "on every node")
    same = "Every node needs it under the same path, for example on NFS"
    try:
        os.chdir(shared.folder)
    except OSError as error:
        return f"cannot enter {shared.folder}: {error.strerror}. {same}"
    output = os.path.abspath(os.path.dirname(os.path.dirname(shared.mark)))
    try:
        token = Path(shared.mark).read_text(encoding="utf-8")
    except OSError as error:
        return f"does not see the search's folder {output}: {error.strerror}. {same}"
    if token != shared.token:
        return f"has another folder than the search at {output}. {same}"
    if not os.access(output, os.W_OK):
        return f"cannot write to {output}. The user that Ray runs as needs to"
    missing = next((path for path in shared.paths if not os.path.exists(path)), None)
    return "" if missing is None else f"does not see {os.path.abspath(missing)}. {same}"


@dataclass(frozen=True)
class Failure:
    """An error that ends the search. The error itself would not come through pickle whole."""

    kind: type[PaddleTransferError]
    text: str

    def error(self, node: str) -> PaddleTransferError:
        return self.kind.__new__(self.kind, f"node {node}: {self.text}")


def leave_mark(mark: Path, token: str, patience: float = 30.0) -> None:
    """Write ``token`` into ``mark`` when no worker of an earlier search holds it any more: a search
    that was killed is noticed by Ray, which ends its workers, but not at once.

    :param patience: seconds to wait
    Raises SetupError: some still run.
    """
    until = time.monotonic() + patience
    with open(mark, "a", encoding="utf-8") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise SetupError(f"{mark.parent.parent}: workers of an earlier search still "
                                     "run on the Ray cluster. 'ray list actors' names their "
                                     "processes; end them, then give the same command again"
                                     ) from None
                time.sleep(0.1)
        file.truncate(0)
        file.write(token)


def end_with(parent: int) -> None:
    """End this process soon after its parent, from a thread of its own. Ray's actors do so, too,
    but not while what is left of Ray's process is a zombie, as in a container that reaps none."""
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="parent").start()


class Host:
    """One slot: a ``LocalExecutor`` with one worker process, which dies with this process.

    Ray runs an actor's methods one after the other in its main thread, as ``LocalExecutor`` needs.

    :param on_gpu: the GPUs are those that Ray has given to this process
    """

    def __init__(self, context: ExecutorContext, *, on_gpu: bool, startup_timeout: float):
        self._context, self._startup_timeout = context, startup_timeout
        self._device = f"gpu:{os.environ.get('CUDA_VISIBLE_DEVICES', '')}" if on_gpu else "cpu:0"
        self._executor: LocalExecutor | None = None

    def open(self, shared: Shared) -> Place:
        """Before the first job: where this is, with what is missing there."""
        end_with(os.getppid())
        place = replace(look(shared), device=self._device)
        if not place.fault:
            os.environ.update(shared.environment)
            mark = os.open(shared.mark, os.O_RDONLY)
            with suppress(OSError):  # a file system without locks
                fcntl.flock(mark, fcntl.LOCK_SH | fcntl.LOCK_NB)
            self._executor = LocalExecutor(
                replace(self._context, devices=(self._device,), keep_fds=(mark,)),
                startup_timeout=self._startup_timeout)
        return place

    def submit(self, job: Job) -> None:
        assert self._executor is not None, "open comes first"
        self._executor.submit(job)

    def poll(self, timeout: float) -> list[Event] | Failure:
        """As ``Executor.poll``; what that raises for a user is returned."""
        assert self._executor is not None, "open comes first"
        try:
            return self._executor.poll(timeout)
        except PaddleTransferError as error:
            return Failure(type(error), str(error))

    def stop(self, number: int) -> None:
        if self._executor is not None:
            self._executor.stop(number)

    def close(self) -> None:
        """End the worker process with its children. No job may follow."""
        if self._executor is not None:
            self._executor.close()
