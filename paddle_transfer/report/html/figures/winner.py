"""The best network on the validation images: confusions, classes, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from paddle_transfer.report.html.figures.plot import Plot
from paddle_transfer.report.html.figures.style import BLUE, GREY, ORANGE, Words, faded, figure

#: Classes up to which a whole confusion matrix, and every class by its name, can be read.
READABLE = 50
#: The ticks of an axis in percent.
PERCENT = {"tickvals": [0, 25, 50, 75, 100], "ticktext": ["0 %", "25 %", "50 %", "75 %", "100 %"]}


@dataclass(frozen=True)
class Bin:
    """The images whose confidence lies between ``low`` and ``high``.

    :param confidence: its mean; ``accuracy``: the share that is right; both 0..1
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class ClassResult:
    """One class on the validation list.

    :param right: of ``count`` images
    """

    name: str
    count: int
    right: int

    @property
    def accuracy(self) -> float:
        return self.right / self.count


def confusion(names: Sequence[str], matrix: Sequence[Sequence[int]], words: Words) -> Plot:
    """The numbers of images, row by row of the true class; shares of a row give the colour.

    :param matrix: [true][answered]
    """
    count = len(names)
    shares = [[number / max(1, sum(row)) for number in row] for row in matrix]
    size = min(760, 190 + max(16, 34 - count // 2) * count)
    made = figure(x=words("answered"), y=words("true_class"), height=size)
    made.add_heatmap(
        x=list(names), y=list(names), z=shares, coloraxis="coloraxis", xgap=1, ygap=1,
        customdata=matrix, text=[[str(number) if number else "" for number in row]
                                 for row in matrix],
        texttemplate="%{text}" if count <= 20 else "", textfont={"size": 11},
        hovertemplate=f"{words('true_class')} %{{y}}<br>{words('answered')} %{{x}}<br>"
                      f"%{{customdata}} {words('images_unit')}<extra></extra>")
    made.update_xaxes(type="category", side="bottom", tickangle=-45 if count > 6 else 0,
                      showgrid=False, tickfont={"size": 11})
    made.update_yaxes(type="category", autorange="reversed", showgrid=False, tickfont={"size": 11})
    made.update_layout(coloraxis={"showscale": False, "cmin": 0, "cmax": 1})
    return made


def per_class(results: Sequence[ClassResult], words: Words) -> Plot:
    """The accuracy of each class, the worst at the top; of many classes a curve through all."""
    ranked = sorted(results, key=lambda one: -one.accuracy)
    hover = "%{customdata[0]}: %{customdata[1]} / %{customdata[2]}<extra></extra>"
    told = [[one.name, one.right, one.count] for one in ranked]
    shares = [100 * one.accuracy for one in ranked]
    if len(ranked) > READABLE:
        made = figure(x=words("classes_by_accuracy"), y=words("accuracy"), height=300,
                      showlegend=False)
        made.add_scatter(x=list(range(1, len(ranked) + 1)), y=shares, mode="lines",
                         line={"color": BLUE, "width": 2}, fill="tozeroy",
                         fillcolor=faded(BLUE, 0.12), customdata=told, hovertemplate=hover)
        made.update_yaxes(range=[0, 102], **PERCENT)
        return made
    made = figure(x=words("accuracy"), height=90 + 22 * len(ranked), showlegend=False)
    made.add_bar(orientation="h", y=[one.name for one in ranked], x=shares, customdata=told,
                 hovertemplate=hover, marker={"color": BLUE}, text=[
                     f"{one.right}/{one.count}" for one in ranked],
                 textposition="outside", outsidetextfont={"size": 11}, cliponaxis=False)
    made.update_layout(bargap=0.28)
    made.update_xaxes(range=[0, 112], **PERCENT)
    made.update_yaxes(type="category", tickfont={"size": 12})
    return made


def reliability(bins: Sequence[Bin], words: Words) -> Plot:
    """A reliability diagram (Guo et al. 2017): how often answers of a confidence are right."""
    made = figure(x=words("confidence"), y=words("accuracy"), height=360)
    width = bins[0].high - bins[0].low
    some = [one for one in bins if one.count]
    made.add_bar(
        x=[50 * (one.low + one.high) for one in some], y=[100 * one.accuracy for one in some],
        width=94 * width, marker={"color": BLUE}, name=words("measured_accuracy"),
        customdata=[[100 * one.low, 100 * one.high, one.count, 100 * one.confidence]
                    for one in some],
        hovertemplate=f"{words('confidence')} %{{customdata[0]:.0f}} – %{{customdata[1]:.0f}} % "
                      f"(%{{customdata[3]:.1f}} %)<br>{words('accuracy')} %{{y:.1f}} %<br>"
                      f"%{{customdata[2]}} {words('images_unit')}<extra></extra>")
    made.add_scatter(x=[100 * one.confidence for one in some], y=[100 * one.confidence
                                                                  for one in some],
                     mode="markers", marker={"color": ORANGE, "size": 8, "symbol": "line-ew-open",
                                             "line": {"width": 3}},
                     name=words("mean_confidence"), hoverinfo="skip")
    made.add_scatter(x=[0, 100], y=[0, 100], mode="lines", hoverinfo="skip",
                     line={"color": GREY, "dash": "dash", "width": 1}, name=words("perfect"))
    made.update_xaxes(range=[0, 100], **PERCENT)
    made.update_yaxes(range=[0, 102], **PERCENT)
    return made
