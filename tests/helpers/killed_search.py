"""A search that is killed while a trial trains: ``python -m tests.helpers.killed_search FILE N``
ends itself with SIGKILL after the first epoch of trial N."""

import os
import signal
import sys

from paddle_transfer.api import run_search
from paddle_transfer.settings.search_file import load_search_file


class Killer:
    def __init__(self, number: int):
        self.number = number

    def epoch_reported(self, record, report) -> None:
        if (record.number, report.epoch) == (self.number, 1):
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    run_search(load_search_file(sys.argv[1], []), callbacks=(Killer(int(sys.argv[2])), ))
