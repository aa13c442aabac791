"""The base class of reports: callbacks of the search that show or write something for people."""

from __future__ import annotations

from typing import ClassVar

from paddle_transfer.config.validation import Options
from paddle_transfer.loop.callbacks import FinalCallback, SearchCallback, SoupCallback
from paddle_transfer.loop.ranking import Ranker
from paddle_transfer.settings.search_file import SearchSettings


class Report(SearchCallback, FinalCallback, SoupCallback):
    """Base class of the parts in ``REPORTS``: a callback that does nothing.

    A subclass overrides the methods that it needs. One that raises, when it is imported, made or
    called, is switched off, and the search goes on.

    :cvar name: the name under ``reports`` in a search file
    :cvar options: the model of its options in a search file
    :cvar essential: a search without it is of no use: it ends with what the report raises
    :param settings: of the search that is reported
    :param ranker: ranks the points, for all reports alike
    :param given: the options, validated by ``options``
    """

    name: ClassVar[str]
    options: ClassVar[type[Options]] = Options
    essential: ClassVar[bool] = False

    def __init__(self, settings: SearchSettings, *, ranker: Ranker, given: Options | None = None):
        self.settings, self.ranker = settings, ranker
        self.given = given if given is not None else self.options()
