"""Who watches a search: the protocol, and a group of watchers of which none can end the search by a mistake."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.executors.base import EpochReport
from paddle_transfer.study.records import TrialRecord

#: Reasons for the end of a search that is not over: it was asked to stop, or fell over something.
INTERRUPTED = "interrupted"
_ERROR = "ended by an error"


def error_reason(error: BaseException) -> str:
    return f"{_ERROR}: {type(error).__name__}"


def is_over(reason: str) -> bool:
    """Whether a search that ended for ``reason`` came to its end."""
    return reason != INTERRUPTED and not reason.startswith(_ERROR)


class SearchCallback(Protocol):
    """Is told what happens, after it is on disk. A trial that is reused, or whose result was found on disk at the
    start, ends without having started."""

    def search_started(self, settings: Any, records: Sequence[TrialRecord]) -> None:
        ...

    def trial_started(self, record: TrialRecord, device: str) -> None:
        ...

    def epoch_reported(self, record: TrialRecord, report: EpochReport) -> None:
        ...

    def trial_ended(self, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
        ...

    def search_ended(self, records: Sequence[TrialRecord], reason: str) -> None:
        """``reason``: one line; also called when the search was interrupted or failed."""
        ...


@runtime_checkable
class FinalCallback(Protocol):
    """Is told of the final trainings after a search as well; ``name`` is ``best`` or ``fixed``."""

    def final_started(self, names: Sequence[str]) -> None:
        """``names`` are trained now; not called when both were trained by an earlier run."""
        ...

    def final_training_started(self, name: str, point: dict[str, Any]) -> None:
        ...

    def final_epoch_reported(self, name: str, report: EpochReport) -> None:
        """``report.value`` is the metric on the test list."""
        ...

    def final_ended(self, told: dict[str, Any] | None) -> None:
        """``told``: what ``final.json`` holds; None when the trainings were interrupted, or one failed."""
        ...


class CallbackList:
    """Tells all of ``callbacks``. One that raises is told nothing more and its traceback goes to stderr: a night's
    search does not die of its progress bar. Errors meant for the user and of the system (a full disk) do end it."""

    def __init__(self, callbacks: Sequence[Any]):
        self._callbacks = list(callbacks)

    def tell(self, what: str, *arguments: Any) -> None:
        for callback in list(self._callbacks):
            try:
                getattr(callback, what)(*arguments)
            except (PaddleTransferError, OSError):
                raise
            except Exception:
                self._callbacks.remove(callback)
                print(
                    f"{type(callback).__name__} failed in {what} and is switched off; the search goes on:\n"
                    f"{traceback.format_exc()}", file=sys.stderr)
