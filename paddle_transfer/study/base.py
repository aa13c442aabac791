"""The store of a search's trials: the protocol. Its conformance suite is
``tests.helpers.store_suite``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from paddle_transfer.study.records import Proposal, TrialRecord, TrialState


class Store(Protocol):
    """Keeps the trials of one search.

    Duties: what a method has returned survives a kill of this process, and after ``sync`` a failure
    of the machine; a kill at any line inside it leaves the state before or after it; a finished
    record never changes; numbers count from 0 without gaps. One process writes at a time (it holds
    the output directory's lock).
    """

    def records(self) -> list[TrialRecord]:
        """All trials by number."""

    def create(self, *, suggestion: int, proposal: Proposal, seed: int) -> TrialRecord:
        """A new trial, ``running``, with no attempt yet."""

    def reuse(self, *, suggestion: int, original: TrialRecord) -> TrialRecord:
        """A new trial with the state and value of the finished ``original``; it is not trained."""

    def begin(self, number: int, *, keep: int = 0) -> TrialRecord:
        """A new attempt (the first is 1) at a running trial, without the epochs of earlier ones
        but the first ``keep``, after which it goes on."""

    def report_epoch(self, number: int, *, epoch: int, value: float) -> TrialRecord:
        """An evaluated epoch (from 1) of the present attempt."""

    def note_try(self, number: int, *, verdict: str, message: str, log_tail: str,
                 accumulate: int = 1) -> TrialRecord:
        """Add a failed attempt, which may be followed by another, to ``info["tries"]``: a list of
        ``{"attempt", "verdict", "message", "log_tail"}``, and ``"accumulate"`` unless that is 1.

        :param accumulate: see ``TrialRecord.accumulate``, for the attempts that follow
        """

    def finish(self, number: int, *, state: TrialState, value: float | None = None,
               curve: Sequence[tuple[int, float]] | None = None,
               info: Mapping[str, Any] | None = None) -> TrialRecord:
        """The end of a trial, once and for good.

        :param value: needed when complete or pruned, left out otherwise
        :param curve: all epochs of the attempt; None leaves those reported
        :param info: JSON data, joined with what is there
        """

    def attributes(self) -> dict[str, Any]:
        """Data of the search as a whole."""

    def set_attribute(self, name: str, value: object) -> None:
        """Keep ``value``, JSON data, as an attribute of the search."""

    def set_note(self, text: str) -> None:
        """A note on the search, in Markdown, for Optuna's dashboard; one that is there stays."""

    def sync(self) -> None:
        """Bring what was written to the disk, unless that was done a moment ago: a driver calls
        this at every turn."""

    def close(self) -> None:
        """Release the storage."""
