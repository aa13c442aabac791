"""The points of a search: all settings at once, and strategies side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from paddle_transfer.report.formatting import show_value
from paddle_transfer.report.html.figures.model import Tried
from paddle_transfer.report.html.figures.plot import Plot
from paddle_transfer.report.html.figures.style import (
    BLUE,
    GREY,
    ORANGE,
    Words,
    faded,
    figure,
    thinned,
)
from paddle_transfer.space.hyperparameter import Value, is_number


def parallel(tried: Sequence[Tried], values: Mapping[str, Sequence[Value]], metric: str,
             words: Words) -> Plot:
    """Parallel coordinates: a line for each training through its settings to its metric, with gaps
    at those that others switch off. The
    legend shows and hides the best tenth, the better and the worse half.

    :param values: setting -> its values, from the bottom to the top
    """
    names = list(values)
    ranked = sorted(tried, key=lambda one: one.value)
    worst, best = ranked[0].value, ranked[-1].value
    made = figure(height=400, margin={"l": 24, "r": 40, "t": 12, "b": 40})
    tenth = max(1, round(0.1 * len(ranked)))
    groups = (("worse_half", ranked[:len(ranked) // 2], faded(GREY, 0.4), 1.0),
              ("better_half", ranked[len(ranked) // 2:-tenth], faded(ORANGE, 0.6), 1.2),
              ("best_tenth", ranked[-tenth:], BLUE, 2.2))
    for group, some, colour, width in groups:
        x, y, text = list[float | None](), list[float | None](), list[list[object]]()
        for one in thinned(some):
            height = (one.value - worst) / (best - worst) if best > worst else 0.5
            x += [*range(len(names) + 1), None]
            y += [*(_height(one.point[name], values[name], one.number) if name in one.point
                    else None for name in names), height, None]
            text += [[one.number, f"{name} {show_value(one.point.get(name))}", one.value]
                     for name in names]
            text += [[one.number, metric, one.value]] * 2
        if some:
            made.add_scatter(
                x=x, y=y, customdata=text, mode="lines", connectgaps=False, name=words(group),
                line={"color": colour, "width": width},
                hovertemplate=f"{words('trial')} %{{customdata[0]}}: %{{customdata[2]:.4f}}<br>"
                              "%{customdata[1]}<extra></extra>")
    made.update_xaxes(tickmode="array", tickvals=list(range(len(names) + 1)), showgrid=True,
                      ticktext=[*names, metric], range=[-0.35, len(names) + 0.35])
    made.update_yaxes(visible=False, range=[-0.06, 1.06], fixedrange=True)
    _label(made, values, worst, best)
    return made


def _height(value: Value, values: Sequence[Value], number: int) -> float:
    """Where a line meets an axis, 0..1; lines of one value are a little apart."""
    apart = ((number * 7) % 11 - 5) / 5 * 0.012
    if value in values:
        place = list(values).index(value)
        return (place / (len(values) - 1) if len(values) > 1 else 0.5) + apart
    below = sum(bool(is_number(other) and other < value) for other in values)
    return float(min(1.0, max(0.0, (below - 0.5) / max(1, len(values) - 1))))


def _label(made: Plot, values: Mapping[str, Sequence[Value]], worst: float, best: float
           ) -> None:
    """The values beside the axes: a few of many."""
    columns = [[show_value(value) for value in some] for some in values.values()]
    columns.append([f"{worst:.3f}", f"{best:.3f}"])
    x, y, text = list[int](), list[float](), list[str]()
    for place, some in enumerate(columns):
        step = max(1, len(some) // 6)
        for i in range(0, len(some), step):
            x, text = [*x, place], [*text, f" {some[i]}"]
            y = [*y, i / (len(some) - 1) if len(some) > 1 else 0.5]
    made.add_scatter(x=x, y=y, text=text, mode="text", textposition="middle right",
                     hoverinfo="skip", showlegend=False, textfont={"size": 11})


def strategies(groups: Mapping[str, Sequence[Tried]], metric: str, words: Words) -> Plot:
    """A row for each strategy: every training, and its best complete one.

    :param groups: strategy -> its trainings, the best strategy first
    """
    names = list(groups)[::-1]
    made = figure(x=metric, height=120 + 46 * len(names))
    best = {name: max((one for one in some if one.complete), key=lambda one: one.value,
                      default=None) for name, some in groups.items()}
    for kind, colour, size, symbol in (("pruned", GREY, 8, "x-thin-open"),
                                       ("others", BLUE, 8, "circle"),
                                       ("best_of_each", ORANGE, 13, "diamond")):
        some = [(name, one) for name in names for one in groups[name]
                if kind == ("pruned" if not one.complete else
                            "best_of_each" if one is best[name] else "others")]
        if some:
            made.add_scatter(
                x=[one.value for _, one in some], y=[name for name, _ in some], mode="markers",
                name=words(kind), marker={"size": size, "opacity": 0.85, "color": colour,
                                          "symbol": symbol},
                customdata=[one.number for _, one in some],
                hovertemplate=f"{words('trial')} %{{customdata}}: %{{x:.4f}}<extra></extra>")
    made.update_yaxes(type="category", categoryorder="array", categoryarray=names)
    return made
