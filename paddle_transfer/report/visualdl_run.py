"""One run directory of VisualDL.

What VisualDL 2.5 needs, all measured: the hyper-parameters page shows the *last* value of a
metric's tag, so the running best has a tag of its own; only the newest record file of a directory
is shown, so a directory holds one file of a fixed name; only the first hparams record of a
directory counts; bool, numpy and list values are refused, so they become text; ``%`` in a tag
raises.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from visualdl import LogWriter

from paddle_transfer.space.hyperparameter import Choice, Hyperparameter, Value

RECORD_FILE = "vdlrecords.0000000001.log"  # VisualDL finds files by "vdlrecords" in their name
DONE = ".complete"  # a directory that needs no rewriting when the search goes on


def plain(value: Value, hyperparameter: Hyperparameter) -> str | int | float:
    """``value`` as VisualDL takes it: int where all values are whole numbers, float for other
    numbers, else text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float)) and hyperparameter.ordered:
        values = hyperparameter.values if isinstance(hyperparameter, Choice) else ()
        whole = isinstance(value, int) and all(isinstance(other, int) for other in values)
        return value if whole else float(value)
    return json.dumps(value)


class Run:
    """One VisualDL run directory, begun anew."""

    def __init__(self, directory: Path):
        shutil.rmtree(directory, ignore_errors=True)
        self._writer = LogWriter(logdir=str(directory), file_name=RECORD_FILE, flush_secs=5)
        self._best: float | None = None
        self._has_hparams = False

    def hparams(self, hparams: Mapping[str, str | int | float], metrics: list[str]) -> None:
        """The run's hyperparameters; a second call changes nothing."""
        if not self._has_hparams:
            self._writer.add_hparams(dict(hparams), metrics)
            self._has_hparams = True

    def scalar(self, tag: str, value: float, step: int) -> None:
        self._writer.add_scalar(tag=tag.replace("%", "percent"), value=float(value), step=int(step))

    def text(self, tag: str, text: str, step: int = 0) -> None:
        self._writer.add_text(tag=tag, text_string=text, step=int(step))

    def epoch(self, epoch: int, value: float, scalars: Mapping[str, float], *, metric: str,
              best_tag: str) -> None:
        """The metric of an epoch, its other scalars, and the best metric so far."""
        self._best = value if self._best is None else max(self._best, value)
        for tag, number in {f"eval/{metric}": value, **scalars}.items():
            self.scalar(tag, number, epoch)
        self.scalar(best_tag, self._best, epoch)
        self.flush()

    def flush(self) -> None:
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()
