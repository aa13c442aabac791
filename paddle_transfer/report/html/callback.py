"""The report of a search, written when it ends and when it was interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from paddle_transfer.config.validation import Options
from paddle_transfer.report.base import Report
from paddle_transfer.study.records import TrialRecord


class HtmlOptions(Options):
    """``language``: of the page; None: that of the reader's browser."""

    language: Literal["en", "zh"] | None = None


class HtmlReport(Report):
    """Writes ``report.html``."""

    name = "html"
    options = HtmlOptions

    def search_ended(self, records: Sequence[TrialRecord], reason: str) -> None:
        if records:
            self._write()

    def soup_ended(self, result: dict[str, Any] | None) -> None:
        self._write()

    def final_ended(self, results: dict[str, Any] | None) -> None:
        self._write()

    def _write(self) -> None:
        from paddle_transfer.report.html.page import write_report  # late: Plotly, Jinja2

        assert isinstance(self.given, HtmlOptions), "the registry made them"
        write_report(self.settings.output.output_dir, language=self.given.language)
