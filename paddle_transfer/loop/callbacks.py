"""Callbacks of a search: the protocol, and a list that survives a mistake in one of them."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.executors.base import EpochReport
from paddle_transfer.space.space import Point
from paddle_transfer.study.records import TrialRecord

#: Reasons for the end of a search that is not over: it was asked to stop, or failed with an error.
INTERRUPTED = "interrupted"
_ERROR = "ended by an error"


def error_reason(error: BaseException) -> str:
    """The reason of a search that ``error`` ended."""
    return f"{_ERROR}: {type(error).__name__}"


def is_over(reason: str) -> bool:
    """Whether a search that ended for ``reason`` came to its end."""
    return reason != INTERRUPTED and not reason.startswith(_ERROR)


class SearchCallback(Protocol):
    """Called when something has happened and is on disk. A trial that is reused, or whose result
    was found on disk at the start, ends without having started. A subclass may override some of
    the methods only."""

    def search_started(self, records: Sequence[TrialRecord]) -> None:
        """``records``: what earlier runs of the same search left."""
        return

    def trial_started(self, record: TrialRecord, device: str) -> None:
        """An attempt of a trial has begun on ``device``: ``cpu:0``, ``gpu:3``."""
        return

    def epoch_reported(self, record: TrialRecord, report: EpochReport) -> None:
        """A running trial was evaluated."""
        return

    def trial_ended(self, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
        """A trial has come to its end; ``records`` are all trials."""
        return

    def search_ended(self, records: Sequence[TrialRecord], reason: str) -> None:
        """``reason``: one line; also called when the search was interrupted or failed."""
        return


@runtime_checkable
class FinalCallback(Protocol):
    """Called for the final trainings after a search as well; ``name`` is ``best`` or ``fixed``."""

    def final_started(self, names: Sequence[str]) -> None:
        """``names`` are trained now; not called when both were trained by an earlier run."""
        return

    def final_training_started(self, name: str, point: Point) -> None:
        """An attempt at the training of ``point`` has begun."""
        return

    def final_epoch_reported(self, name: str, report: EpochReport) -> None:
        """``report.value`` is the metric on the test list."""
        return

    def final_ended(self, results: dict[str, Any] | None) -> None:
        """``results``: the content of ``final.json``; None after an interrupt or a failure."""
        return


class CallbackList:
    """Calls all of ``callbacks``. One that raises is not called again and its traceback goes to
    stderr: a night's search does not die of its progress bar. Errors meant for the user and of the
    system (a full disk) do end it."""

    def __init__(self, callbacks: Sequence[SearchCallback | FinalCallback]):
        self._callbacks = list(callbacks)

    def call(self, method: str, *arguments: object) -> None:
        """Call ``method`` of each."""
        for callback in list(self._callbacks):
            try:
                getattr(callback, method)(*arguments)
            except (PaddleTransferError, OSError):
                raise
            except Exception:
                self._callbacks.remove(callback)
                print(f"{type(callback).__name__} failed in {method} and is switched off; the "
                      f"search goes on:\n{traceback.format_exc()}", file=sys.stderr)
