"""The page: templates and plots put together into one file."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from plotly.offline import get_plotlyjs

from paddle_transfer import __version__
from paddle_transfer.config.load import write_atomic
from paddle_transfer.report.html import content
from paddle_transfer.report.html.data import SearchData, read_search_data
from paddle_transfer.report.html.sections import make_sections
from paddle_transfer.report.html.verdict import verdict
from paddle_transfer.report.html.words import LANGUAGES, marked, texts

#: The name of the report in an output_dir.
REPORT = "report.html"
#: The language of a page that is read without scripts, and of readers with neither.
DEFAULT = "en"


def write_report(output_dir: str | os.PathLike[str], file: str | os.PathLike[str] | None = None, *,
                 language: str | None = None) -> Path:
    """Write the report of the search in ``output_dir``, which is only read; returns the file.

    :param file: None: ``output_dir/report.html``
    :param language: ``en`` or ``zh``; None: that of the reader's browser
    Raises StudyError: there is no search, or it cannot be read.
    """
    target = Path(file) if file is not None else Path(output_dir) / REPORT
    write_atomic(str(target), render(read_search_data(output_dir), language=language))
    return target


def render(data: SearchData, *, language: str | None = None) -> str:
    """The page as HTML."""
    shown = language or DEFAULT
    sections = make_sections(data, marked)
    figures = {name: {"data": made.data, "layout": made.layout} for section in sections
               for name, made in section.figures.items()}
    context = {
        "sections": sections,
        "data": data, "verdict": verdict(data, sections), "answer": content.answer(data),
        "leaderboard": content.leaderboard(data), "failures": content.failures(data),
        "figures": figures, "title": data.output_dir.name,
        "language": shown, "asked": language or "", "version": __version__}
    everything = {"texts": {one: texts(one) for one in LANGUAGES}, "figures": figures,
                  "results": data.told}
    packed = _in_script(everything)
    return _environment().get_template("page.html.j2").render(
        **context, everything=packed, plotly=_plotly(), nonce=_nonce(packed),
        text=lambda key, **values: texts(shown)[key].format(**values))


@cache
def _environment() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(Path(__file__).with_name("templates"))
    return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)


@cache
def _plotly() -> str:
    """Plotly's script, packed: a third of its size."""
    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 6, mtime=0)).decode()


def _in_script(content: Any) -> str:
    """JSON that can stand inside of a script element."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _nonce(content: str) -> str:
    """What the page's own scripts carry; other ones do not run in it."""
    return hashlib.sha256(content.encode()).hexdigest()[:24]
