"""What the model of a search says: the effect of each setting, of two together, what matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from paddle_transfer.report.formatting import show_value
from paddle_transfer.report.html.figures.plot import Plot
from paddle_transfer.report.html.figures.style import (
    BLUE,
    GREY,
    ORANGE,
    POINTS,
    Words,
    faded,
    figure,
    thinned,
)
from paddle_transfer.samplers.effects import Effect, ModelView, PairEffect
from paddle_transfer.space.hyperparameter import Value, is_number

#: The height of one small plot, in px, and the values named on its axis.
SMALL, MOST_TICKS = 210, 4
#: Characters of a value on its axis.
LONG = 12


@dataclass(frozen=True)
class Tried:
    """What a training got.

    :param point: its settings, without those that others switch off
    :param complete: whether it was not pruned
    """

    number: int
    point: dict[str, Value]
    value: float
    complete: bool = True


@dataclass(frozen=True)
class Axis:
    """How the values of a setting stand on an axis: numbers where they are some, else texts."""

    values: tuple[Value, ...]
    numeric: bool
    log: bool

    def places(self, values: Sequence[Value]) -> list[float | str]:
        return [float(value) if self.numeric else show_value(value) for value in values]

    @property
    def layout(self) -> dict[str, object]:
        """Of Plotly's axis."""
        if not self.numeric:
            texts = [show_value(value) for value in self.values]
            return {"type": "category", "categoryorder": "array", "categoryarray": texts,
                    "tickvals": texts, "ticktext": [one if len(one) <= LONG else f"{one[:LONG]}…"
                                                    for one in texts]}
        some = self.values[::-(-len(self.values) // MOST_TICKS)]
        return {"type": "log" if self.log else "linear", "tickmode": "array",
                "tickvals": [float(value) for value in some],
                "ticktext": [show_value(value) for value in some], "tickangle": 0}


def axis_of(values: Sequence[Value]) -> Axis:
    """The axis of the values of one setting: logarithmic where they span more than a decade."""
    numeric = all(map(is_number, values)) and len(values) > 2
    log = numeric and min(values) > 0 and max(values) >= 10 * min(values)
    return Axis(tuple(values), numeric, log)


def effect(one: Effect, tried: Sequence[Tried], words: Words) -> Plot:
    """The expected metric along one setting with a band of one standard deviation, and what the
    trainings got there, whatever their other settings."""
    axis = axis_of(one.values)
    x = axis.places(one.values)
    made = figure(x="", y="", height=SMALL, showlegend=False,
                  margin={"l": 44, "r": 8, "t": 6, "b": 34})
    made.update_xaxes(**axis.layout)
    known = thinned([each for each in tried if one.name in each.point], POINTS)
    made.add_scatter(
        x=axis.places([each.point[one.name] for each in known]), mode="markers",
        y=[each.value for each in known], marker={"color": faded(GREY, 0.65), "size": 5},
        customdata=[each.number for each in known],
        hovertemplate=f"{words('trial')} %{{customdata}}: %{{y:.4f}}<extra></extra>")
    if axis.numeric:
        made.add_scatter(x=[*x, *reversed(x)], y=[*one.high, *reversed(one.low)], fill="toself",
                         mode="none", fillcolor=faded(BLUE, 0.16), hoverinfo="skip")
    made.add_scatter(
        x=x, y=one.mean, mode="lines+markers" if axis.numeric else "markers",
        line={"color": BLUE, "width": 2}, marker={"color": BLUE, "size": 5 if axis.numeric else 8},
        error_y=None if axis.numeric else {
            "type": "data", "symmetric": False, "color": faded(BLUE, 0.55), "width": 0,
            "thickness": 5, "array": [high - mean for high, mean in zip(
                one.high, one.mean, strict=True)],
            "arrayminus": [mean - low for low, mean in zip(one.low, one.mean, strict=True)]},
        customdata=[[show_value(value), low, high] for value, low, high in zip(
            one.values, one.low, one.high, strict=True)],
        hovertemplate=f"{one.name} %{{customdata[0]}}<br>{words('expected')} %{{y:.4f}} "
                      "(%{customdata[1]:.4f} – %{customdata[2]:.4f})<extra></extra>")
    made.update_yaxes(nticks=5)
    return made


def pair(one: PairEffect, tried: Sequence[Tried], metric: str, words: Words) -> Plot:
    """The expected metric over two settings, and where trainings have been."""
    made = figure(x=one.names[0], y=one.names[1], height=380, showlegend=False)
    # a value a cell, whatever their distance
    texts = [[show_value(value) for value in values] for values in one.values]
    made.add_heatmap(
        x=texts[0], y=texts[1], z=one.mean, coloraxis="coloraxis", xgap=1, ygap=1,
        hovertemplate=f"{one.names[0]} %{{x}}<br>{one.names[1]} %{{y}}<br>{words('expected')} "
                      "%{z:.4f}<extra></extra>")
    made.update_xaxes(type="category", categoryarray=texts[0], categoryorder="array")
    made.update_yaxes(type="category", categoryarray=texts[1], categoryorder="array")
    places = [(show_value(each.point[one.names[0]]), show_value(each.point[one.names[1]]), each)
              for each in tried if all(name in each.point for name in one.names)]
    inside = thinned([place for place in places if place[0] in texts[0] and place[1] in texts[1]],
                     POINTS)
    if inside:
        made.add_scatter(
            x=[x for x, _, _ in inside], y=[y for _, y, _ in inside], mode="markers",
            marker={"color": "rgba(0,0,0,0)", "size": 9, "line": {"color": ORANGE, "width": 2}},
            customdata=[[each.number, each.value] for _, _, each in inside],
            hovertemplate=f"{words('trial')} %{{customdata[0]}}: %{{customdata[1]:.4f}}"
                          "<extra></extra>")
    made.update_layout(coloraxis={"colorbar": {"title": {"text": metric}, "thickness": 12,
                                               "outlinewidth": 0, "tickformat": ".2f"}})
    return made


def importance(view: ModelView, words: Words) -> Plot:
    """The share of the differences that each setting explains alone, with its uncertainty."""
    names = sorted(view.importance, key=lambda name: view.importance[name][0])
    made = figure(x=words("importance_axis"), height=90 + 26 * len(names), showlegend=False)
    shares = [view.importance[name] for name in names]
    made.add_bar(
        orientation="h", y=names, x=[100 * share for share, _ in shares],
        marker={"color": BLUE}, error_x={
            "type": "data", "symmetric": False, "color": GREY, "thickness": 1.2, "width": 3,
            "array": [100 * min(error, 1.0 - share) for share, error in shares],
            "arrayminus": [100 * min(error, share) for share, error in shares]},
        hovertemplate="%{y}: %{x:.0f} %<extra></extra>")
    made.update_xaxes(range=[0, 100], ticksuffix=" %")
    made.update_layout(bargap=0.35)
    return made
