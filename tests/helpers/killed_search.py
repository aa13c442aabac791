"""A search that is killed while a trial trains: ``python -m tests.helpers.killed_search FILE N``
ends with SIGKILL after the second epoch of trial N, before that is saved. The worker sends it, and
trains no further however long the search takes to die."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from paddle_transfer.api import run_search
from paddle_transfer.settings.search_file import load_search_file

#: Variables: the trial, and the process of the search.
_NUMBER, _SEARCH = "KILLED_IN_TRIAL", "KILLED_PROCESS"


def run(job: dict[str, Any], report: Callable[..., bool]) -> dict[str, Any]:
    """The runner of the workers."""
    from paddle_transfer.worker import runner

    def reported(**told: Any) -> bool:
        stop = report(**told)
        if (str(job["number"]), told["epoch"]) == (os.environ[_NUMBER], 2):
            os.kill(int(os.environ[_SEARCH]), signal.SIGKILL)
            signal.pause()
        return stop

    return runner.run(job, reported)


if __name__ == "__main__":
    os.environ.update({_NUMBER: sys.argv[2], _SEARCH: str(os.getpid())})
    run_search(load_search_file(sys.argv[1], []), callbacks=(),
               runner="tests.helpers.killed_search:run")
