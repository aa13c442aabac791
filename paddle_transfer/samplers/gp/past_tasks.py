"""Files of earlier tasks: the one that ships with the package, reading, writing."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from paddle_transfer.errors import INPUT_FAULTS, PaddleTransferError, one_line
from paddle_transfer.files import read_bytes
from paddle_transfer.samplers.base import PastTask

#: The tasks that ship with the package, made by ``python tools/benchmark.py distil``.
SHIPPED = Path(__file__).with_name("prior.json")

MAX_BYTES = 64 << 20


@lru_cache(maxsize=1)
def shipped() -> tuple[PastTask, ...]:
    """The tasks in ``SHIPPED``; none when the file is missing."""
    tasks = read_tasks(SHIPPED) if SHIPPED.exists() else ()
    return tuple(replace(task, alike=False) for task in tasks)


def read_tasks(path: str | Path) -> tuple[PastTask, ...]:
    """The tasks of a prior file. Raises PaddleTransferError when it is none."""
    try:
        return tuple(map(_task, json.loads(read_bytes(path, MAX_BYTES))["tasks"]))
    except INPUT_FAULTS as error:
        raise PaddleTransferError(
            f"{path}: not a prior file ({one_line(repr(error), 300)}). "
            "python tools/benchmark.py distil makes one from recorded tables.") from None


def _task(task: dict[str, Any]) -> PastTask:
    points = tuple(dict(zip(task["names"], point, strict=True)) for point in task["points"])
    values = tuple(map(float, task["values"]))
    if len(points) != len(values) or not all(map(math.isfinite, values)):
        raise ValueError("each point needs a finite value")
    return PastTask(str(task["name"]), points, values)
