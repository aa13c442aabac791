"""The plots of the report as figures by themselves."""

from __future__ import annotations

import os
from typing import TypeAlias

from plotly.graph_objects import Figure as PlotlyFigure

from paddle_transfer.errors import DataError, did_you_mean
from paddle_transfer.report.html.data import read_search_data
from paddle_transfer.report.html.figures.plot import Plot
from paddle_transfer.report.html.sections import make_sections
from paddle_transfer.report.html.words import LANGUAGES, in_language

#: One plot.
Figure: TypeAlias = PlotlyFigure


def make_plots(output_dir: str | os.PathLike[str], *, language: str = "en"
               ) -> dict[str, Figure]:
    """All plots of the report of the search in ``output_dir`` that have something to show, by name.

    Raises DataError: no such language; StudyError: there is no search, or it cannot be read.
    """
    if language not in LANGUAGES:
        raise DataError(f"language: must be one of {', '.join(LANGUAGES)}; found {language!r}")
    sections = make_sections(read_search_data(output_dir), in_language(language))
    return {name: plotly_figure(one) for section in sections
            for name, one in section.figures.items()}


def plotly_figure(plot: Plot) -> Figure:
    """``plot`` as Plotly's own. Raises ValueError where Plotly takes something in it for a mistake.
    """
    return PlotlyFigure(plot.data, {"template": "none", **plot.layout})


def make_plot(output_dir: str | os.PathLike[str], name: str, *, language: str = "en") -> Figure:
    """One of ``make_plots``. Raises DataError, too, when this search has no such plot."""
    found = make_plots(output_dir, language=language)
    if name not in found:
        raise DataError(f"{output_dir}: has no plot {name!r}. {did_you_mean(name, list(found))}")
    return found[name]
