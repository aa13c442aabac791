"""A search some of whose processes are killed while trials train:
``python -m tests.helpers.killed_search FILE '{"1": "node", "3": "search"}'``.

The first attempt of a trial that is named sends SIGKILL after its second epoch, before that is
saved, and trains no further however long its victim takes to die: the search, its own ``worker``,
or the ``node`` of a Ray cluster on which it runs.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paddle_transfer.api import run_search
from paddle_transfer.settings.search_file import load_search_file

#: Variables (workers on other nodes get those that begin with PADDLE): the kills by trial, and the
#: process of the search.
_KILLS, _SEARCH = "PADDLE_TEST_KILLS", "PADDLE_TEST_SEARCH"


def run(job: dict[str, Any], report: Callable[..., bool]) -> dict[str, Any]:
    """The runner of the workers."""
    from paddle_transfer.worker import runner

    what = json.loads(os.environ[_KILLS]).get(str(job["number"]))

    def reported(**told: Any) -> bool:
        stop = report(**told)
        if what and (job["attempt"], told["epoch"]) == (1, 2):
            os.kill(_victim(what), signal.SIGKILL)
            signal.pause()
        return stop

    return runner.run(job, reported)


def _victim(what: str) -> int:
    if what == "node":  # Ray's process there has begun the actor that has begun this one
        stat = Path(f"/proc/{os.getppid()}/stat").read_text()
        return int(stat.rpartition(")")[2].split()[1])
    return {"search": int(os.environ[_SEARCH]), "worker": os.getpid()}[what]


if __name__ == "__main__":
    os.environ.update({_KILLS: sys.argv[2], _SEARCH: str(os.getpid())})
    run_search(load_search_file(sys.argv[1], []), callbacks=(),
               runner="tests.helpers.killed_search:run")
