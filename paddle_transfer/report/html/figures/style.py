"""What all plots have in common: few colours, thin lines, no template (the page has its own)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from paddle_transfer.report.html.figures.plot import Plot

T = TypeVar("T")
#: The text of a key.
Words = Callable[[str], str]

#: Colour-blind safe (after Okabe and Ito), with a contrast of 3 and more on white and on black.
BLUE, ORANGE, GREEN, PURPLE, GREY = "#2f7fc1", "#d9700f", "#1f9268", "#b5629b", "#868e99"
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, "#9a7d0a", "#c0504d", GREY)
#: Of the state of a trial.
STATES = {"complete": BLUE, "pruned": GREY, "diverged": PURPLE, "failed": "#c0504d",
          "running": GREEN}

#: How many trainings a plot shows as lines, and as points, at most.
LINES, POINTS = 400, 2000


def thinned(items: Sequence[T], limit: int = LINES) -> list[T]:
    """At most ``limit`` of ``items``, evenly: a plot of more of them shows and weighs too much."""
    count = min(limit, len(items))
    return [items[i * len(items) // count] for i in range(count)]


def figure(*, x: str = "", y: str = "", height: int = 360, **layout: Any) -> Plot:
    """An empty figure.

    :param x: the title of its axis; ``y``: likewise
    :param layout: of Plotly
    """
    made = Plot(layout={
        "height": height, "margin": {"l": 56, "r": 12, "t": 12, "b": 48},
        "hovermode": "closest", "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom",
                                           "x": 0, "xanchor": "left"},
        "xaxis": {"title": {"text": x}, "zeroline": False, "automargin": True},
        "yaxis": {"title": {"text": y}, "zeroline": False, "automargin": True}})
    made.update_layout(**layout)
    return made


def faded(colour: str, alpha: float) -> str:
    """``#rrggbb`` with an opacity."""
    red, green, blue = (int(colour[i:i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"
