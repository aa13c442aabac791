"""The base class of reports: callbacks of the search that show or write something for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from paddle_transfer.config.validation import Options
from paddle_transfer.executors.base import EpochReport
from paddle_transfer.loop.ranking import Ranker
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.study.records import TrialRecord


class Report:
    """Base class of the parts in ``REPORTS``: a ``SearchCallback`` that does nothing.

    A subclass overrides the methods that it needs, and has those of ``FinalCallback`` when it shows
    the final trainings. One that raises is switched off, and the search goes on.

    :cvar name: the name under ``reports`` in a search file
    :cvar options: the model of its options in a search file
    :param settings: of the search that is reported
    :param ranker: ranks the points, for all reports alike
    :param given: the options, validated by ``options``
    """

    name: ClassVar[str]
    options: ClassVar[type[Options]] = Options

    def __init__(self, settings: SearchSettings, *, ranker: Ranker, given: Options | None = None):
        self.settings, self.ranker = settings, ranker
        self.given = given if given is not None else self.options()

    def search_started(self, records: Sequence[TrialRecord]) -> None:
        """The search begins, or goes on with ``records``."""

    def trial_started(self, record: TrialRecord, device: str) -> None:
        """An attempt of a trial begins."""

    def epoch_reported(self, record: TrialRecord, report: EpochReport) -> None:
        """A running trial was evaluated."""

    def trial_ended(self, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
        """A trial came to its end; ``records`` are all trials."""

    def search_ended(self, records: Sequence[TrialRecord], reason: str) -> None:
        """The search ended, was interrupted or failed: ``reason`` is one line."""
