"""Data workers hand their batches over in shared memory (/dev/shm): whether there is room for them.

Paddle's data workers die of SIGBUS where there is not, often in the middle of a training. A
container has 64 MB there unless it was started with ``--shm-size``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config import resolve
from paddle_transfer.config.base import list_size
from paddle_transfer.hardware import SharedMemory

#: Batches that a data worker makes ahead (Paddle's ``prefetch_factor``), and those in use.
_AHEAD, _IN_USE = 2, 2
#: Bytes of a number of a batch: float32.
_NUMBER = 4
#: Bytes of a semaphore there, and the semaphores of a data loader and of each of its workers: those
#: of multiprocessing's queues (3) and its event (5).
_SEMAPHORE, _OF_A_LOADER, _OF_A_WORKER = 4096, 8, 3


def shared_bytes(config: dict[str, Any], part: str) -> int:
    """The bytes of shared memory that the data loader at ``part`` (``DataLoader.Train``) needs at
    most, by the size of its batches; 0 where it uses none."""
    loader = dotpath.find(config, f"{part}.loader")
    batch = resolve.whole(dotpath.find(config, f"{part}.sampler.batch_size")) or 0
    if not _has_workers(loader) or loader.get("use_shared_memory", True) is False or batch < 1:
        return 0
    shape = resolve.image_shape(config) or [3, 224, 224]
    width, height = resolve.image_size(config, f"{part}.dataset.transform_ops") or (
        shape[2], shape[1])
    images = list_size(config, part.removeprefix("DataLoader."))
    most = math.inf if images is None else math.ceil(images / batch)
    batches = int(min(_AHEAD * loader["num_workers"] + _IN_USE, most))
    return batches * batch * shape[0] * width * height * _NUMBER


def fit_shared_memory(config: dict[str, Any], parts: Sequence[str], memory: SharedMemory,
                      limit: float | None = None) -> str:
    """Change ``config`` so that its data workers do without what is not there; a line that says
    so, empty where nothing had to be changed. ``use_shared_memory`` changes the speed only,
    ``num_workers`` the random numbers of an augmentation, too.

    :param parts: of ``DataLoader`` that are used at once: ``Train``, ``Eval``
    :param limit: bytes that may be used; None: all that are free
    """
    paths = [path for part in parts for path in _loaders(config, part)]
    using = [loader for path in paths
             if _has_workers(loader := dotpath.find(config, f"{path}.loader"))]
    free = memory.free if limit is None else min(memory.free, limit)
    least = sum(_SEMAPHORE * (_OF_A_LOADER + _OF_A_WORKER * loader["num_workers"])
                for loader in using)
    if using and (memory.fault or least > free):
        for loader in using:
            loader["num_workers"] = 0
        return "num_workers is 0 here: data workers need shared memory, and " + (
            memory.fault or f"{memory.place} has only {in_units(free)} for them")
    needed = least + sum(shared_bytes(config, path) for path in paths)
    if needed == least or needed <= free:
        return ""
    for loader in using:
        loader["use_shared_memory"] = False
    return (f"use_shared_memory is False here: the data workers need about {in_units(needed)}, and "
            f"{memory.place} has only {in_units(free)} for them")


def _loaders(config: dict[str, Any], part: str) -> list[str]:
    """The paths of the data loaders of a part: itself, or those below it (``Eval.Query``)."""
    path = f"DataLoader.{part}"
    node = dotpath.find(config, path)
    if not isinstance(node, dict):
        return []
    return [path] if "loader" in node else [
        f"{path}.{name}" for name, one in node.items() if isinstance(one, dict) and "loader" in one]


def _has_workers(loader: object) -> bool:
    return isinstance(loader, dict) and (resolve.whole(loader.get("num_workers", 0)) or 0) > 0


def in_units(count: float) -> str:
    """A number of bytes for a person: ``64 KB``, ``1.5 GB``."""
    for unit in ("bytes", "KB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1024
    return f"{count:.3g} GB"
