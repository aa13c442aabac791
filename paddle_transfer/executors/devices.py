"""Which devices fail: one that does so twice in a row is set aside, and the search goes on with the
others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from paddle_transfer.errors import SetupError
from paddle_transfer.executors.base import Ended, Verdict
from paddle_transfer.executors.verdict import blames_device
from paddle_transfer.hardware import GpuMemory, gpu_memory

#: Failures in a row with which a device is set aside.
FAILURES = 2
#: A device counts as taken when somebody else has more than this part of its memory.
_TAKEN = 0.1


def physical(device: str) -> str:
    """The device of a slot, which ``#2`` and so on tell from others on the same device."""
    return device.partition("#")[0]


class DeviceWatch:
    """
    :param memory: of the GPUs with these ids, comma between; the fullest of them
    """

    def __init__(self, *, memory: Callable[[str], GpuMemory | None] = gpu_memory):
        self._memory = memory
        self._failures: dict[str, list[str]] = {}  # since a job ended well, by device

    def judged(self, device: str, ended: Ended, *, shared: bool) -> Ended:
        """``ended``, whose worker on ``device`` has gone where that failed; its verdict is KILLED
        where the device was at fault, not the training.

        :param shared: whether another worker of this search is on the device
        """
        device = physical(device)
        fault = self._fault(device, ended, shared=shared)
        if not fault:
            self._failures.pop(device, None)
            return ended
        self._failures.setdefault(device, []).append(fault)
        return replace(ended, verdict=Verdict.KILLED, message=f"{device} failed: {fault}")

    def failures(self, device: str) -> int:
        """How often ``device`` has failed in a row."""
        return len(self._failures.get(physical(device), ()))

    def is_set_aside(self, device: str) -> bool:
        return self.failures(device) >= FAILURES

    def tell(self, device: str, left: Sequence[str]) -> None:
        """Warn on stderr that ``device`` is set aside, and that the devices ``left`` are not."""
        rest = f"the search goes on with {', '.join(left)}" if left else "none is left"
        with suppress(OSError, ValueError):  # nobody reads our output
            print(f"{physical(device)} has failed {FAILURES} times in a row and is set aside; "
                  f"{rest}: {self._failures[physical(device)][-1]}", file=sys.stderr, flush=True)

    def error(self) -> SetupError:
        """For a search that has no device left."""
        each = "; ".join(f"{device}: {faults[-1]}" for device, faults in self._failures.items())
        return SetupError(
            f"no device is left, for each has failed {FAILURES} times in a row ({each}). Look at "
            "nvidia-smi, and at who else uses them. When that is mended, the same command goes on; "
            "-o gpus=ID chooses devices, -o gpus=none trains on the CPU")

    def _fault(self, device: str, ended: Ended, *, shared: bool) -> str:
        kind, _, number = device.partition(":")
        if kind != "gpu":
            return ""
        if ended.verdict is Verdict.CRASHED and blames_device(ended.message):
            return ended.message
        if ended.verdict is not Verdict.OUT_OF_MEMORY or shared:
            return ""
        memory = self._memory(number)
        if memory is None or memory.used <= _TAKEN * memory.total:
            return ""
        return (f"out of memory, {memory.used / 1e9:.1f} of {memory.total / 1e9:.1f} GB of which "
                "somebody else uses")
