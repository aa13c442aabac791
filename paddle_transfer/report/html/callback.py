"""The report of a search, written when it ends and when it was interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from paddle_transfer.config.rules import one_of
from paddle_transfer.config.validation import Options
from paddle_transfer.report.base import Report
from paddle_transfer.study.records import TrialRecord


class HtmlOptions(Options):
    """``language``: of the page; None: that of the reader's browser."""

    language: Annotated[str, one_of("en", "zh")] | None = None


class HtmlReport(Report):
    """Writes ``report.html``."""

    name = "html"
    options = HtmlOptions

    _finished = 0  # how many trials had ended when the search began

    def search_started(self, records: Sequence[TrialRecord]) -> None:
        self._finished = sum(record.finished for record in records)

    def search_ended(self, records: Sequence[TrialRecord], reason: str) -> None:
        news = sum(record.finished for record in records) > self._finished
        # after thousands of trials a page takes seconds: that of a search that was over stays
        if records and (news or not self._tells_the_end()):
            self._write()

    def _tells_the_end(self) -> bool:
        page = Path(self.settings.output.output_dir) / "report.html"
        return page.exists() and 'class="status done"' in page.read_text(encoding="utf-8")

    def soup_ended(self, result: dict[str, Any] | None) -> None:
        self._write()

    def final_ended(self, results: dict[str, Any] | None) -> None:
        self._write()

    def _write(self) -> None:
        from paddle_transfer.report.html.page import write_report  # late: Plotly, Jinja2

        assert isinstance(self.given, HtmlOptions), "the registry made them"
        write_report(self.settings.output.output_dir, language=self.given.language)
