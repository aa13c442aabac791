"""The classes of the data: how many images each has, list by list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from paddle_transfer.report.html.figures.plot import Plot
from paddle_transfer.report.html.figures.style import CYCLE, Words, figure
from paddle_transfer.report.html.figures.winner import READABLE


def class_counts(names: Sequence[str], counts: Mapping[str, Sequence[int]], words: Words
                 ) -> Plot:
    """:param counts: list (``train``, ``val``) -> the images of each class, in the order of
    ``names``"""
    if len(names) <= READABLE:
        made = figure(x=words("images_unit"), height=100 + 24 * len(names), barmode="group")
        for (split, numbers), colour in zip(counts.items(), CYCLE, strict=False):
            made.add_bar(orientation="h", y=list(names), x=list(numbers), name=split,
                         marker={"color": colour},
                         hovertemplate=f"%{{y}}, {split}: %{{x}}<extra></extra>")
        made.update_layout(bargap=0.3, legend={"traceorder": "normal"})
        made.update_yaxes(type="category", autorange="reversed", tickfont={"size": 12})
        return made
    made = figure(x=words("classes_by_count"), y=words("images_unit"), height=300)
    for (split, numbers), colour in zip(counts.items(), CYCLE, strict=False):
        ranked = sorted(zip(numbers, names, strict=True), reverse=True)
        made.add_scatter(x=list(range(1, len(ranked) + 1)), y=[number for number, _ in ranked],
                         mode="lines", line={"color": colour, "width": 2}, name=split,
                         customdata=[name for _, name in ranked],
                         hovertemplate=f"%{{customdata}}, {split}: %{{y}}<extra></extra>")
    made.update_yaxes(rangemode="tozero")
    return made
