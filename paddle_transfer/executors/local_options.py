"""The options of ``executor: local``."""

from __future__ import annotations

from typing import Annotated

from paddle_transfer.config.rules import YES_NO, above_zero, whole
from paddle_transfer.config.validation import Options
from paddle_transfer.executors.base import Sharing


class LocalOptions(Options):
    #: Seconds that a worker may take to import the runner.
    startup_timeout: Annotated[float, above_zero("seconds")] = 600.0
    #: See ``Sharing``.
    gpus_per_trial: Annotated[int, whole(1, 64)] = 1
    processes_per_trial: Annotated[int, whole(1, 64)] = 1
    trials_per_gpu: Annotated[int, whole(1, 64)] = 1
    scale_learning_rate: Annotated[bool, YES_NO] = True

    def sharing(self) -> Sharing:
        return Sharing(self.gpus_per_trial, self.processes_per_trial, self.trials_per_gpu,
                       self.scale_learning_rate)
