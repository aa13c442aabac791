"""Files of earlier tasks: the one that ships with the package, reading, writing."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.samplers.base import PastTask

#: The tasks that ship with the package, made by ``python tools/benchmark.py distil``.
SHIPPED = Path(__file__).with_name("prior.json")


@lru_cache(maxsize=1)
def shipped() -> tuple[PastTask, ...]:
    """The tasks in ``SHIPPED``; none when the file is missing."""
    return read_tasks(SHIPPED) if SHIPPED.exists() else ()


def read_tasks(path: str | Path) -> tuple[PastTask, ...]:
    """The tasks of a prior file. Raises PaddleTransferError when it is none."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        return tuple(
            PastTask(task["name"],
                     tuple(dict(zip(task["names"], point, strict=True))
                           for point in task["points"]),
                     tuple(map(float, task["values"])))
            for task in data["tasks"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PaddleTransferError(
            f"{path}: not a prior file ({error!r}). "
            "python tools/benchmark.py distil makes one from recorded tables.") from None
