"""A plot as Plotly's JSON. Plotly's own classes are slow to import, and check every value of every
point: seconds at the end of a search of thousands. Tests have them check all plots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Plot:
    """What Plotly draws, with the methods of its ``Figure`` that the figures use.

    :param layout: of Plotly
    """

    def __init__(self, layout: dict[str, Any]):
        self.data: list[dict[str, Any]] = []
        self.layout = layout

    def add_scatter(self, **trace: object) -> None:
        self._add("scatter", trace)

    def add_bar(self, **trace: object) -> None:
        self._add("bar", trace)

    def add_heatmap(self, **trace: object) -> None:
        self._add("heatmap", trace)

    def add_hline(self, *, y: float, line: dict[str, Any]) -> None:
        """A line over the whole width."""
        self.layout.setdefault("shapes", []).append(
            {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "yref": "y", "y0": y, "y1": y,
             "line": line})

    def update_xaxes(self, **changes: object) -> None:
        self.update_layout(xaxis=changes)

    def update_yaxes(self, **changes: object) -> None:
        self.update_layout(yaxis=changes)

    def update_layout(self, **changes: object) -> None:
        """Mappings are merged with what is there."""
        _merge(self.layout, changes)

    def _add(self, kind: str, trace: Mapping[str, object]) -> None:
        self.data.append({"type": kind, **{
            name: value for name, value in trace.items() if value is not None}})


def _merge(into: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value
