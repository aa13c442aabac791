"""How a search went: the best so far, the learning curves, the devices over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from paddle_transfer.report.formatting import show_point
from paddle_transfer.report.html.figures.plot import Plot
from paddle_transfer.report.html.figures.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    POINTS,
    STATES,
    Words,
    faded,
    figure,
    thinned,
)
from paddle_transfer.space.space import Point


@dataclass(frozen=True)
class Trained:
    """One training.

    :param point: its settings, without those that others switch off
    :param curve: (epoch, metric)
    :param is_baseline: whether it is one of the fixed point
    :param span: when it began and ended, in seconds since the first one began
    """

    number: int
    state: str
    value: float | None
    point: Point
    curve: tuple[tuple[int, float], ...] = ()
    device: str = ""
    span: tuple[float, float] | None = None
    is_best: bool = False
    is_baseline: bool = False

    @property
    def text(self) -> str:
        """The point, for people."""
        return show_point(self.point)


@dataclass(frozen=True)
class Progress:
    """The trainings of a search in their order.

    :param metric: its name
    :param noise: standard deviation of one training, in units of the metric; None: not known
    :param gain: what one more training is expected to gain; None: not known
    """

    metric: str
    trainings: tuple[Trained, ...]
    noise: float | None = None
    gain: float | None = None


def best_so_far(progress: Progress, words: Words) -> Plot:
    """The metric of each training, and the best so far, with the noise of one training as a band
    and the gain that is still expected at the end."""
    made = figure(x=words("trainings"), y=progress.metric)
    _whole_ticks(made, len(progress.trainings))
    done = [(place, one) for place, one in enumerate(progress.trainings, start=1)
            if one.value is not None]
    best, steps, values = float("-inf"), list[int](), list[float]()
    for place, one in done:
        assert one.value is not None
        if one.state == "complete" and one.value > best:
            best = one.value
            steps.append(place)
            values.append(best)
    if steps and done[-1][0] > steps[-1]:
        steps.append(done[-1][0])
        values.append(best)
    if steps and progress.noise:
        _add_band(made, steps, values, progress.noise, words)
    for state in ("complete", "pruned"):
        some = thinned([(place, one) for place, one in done if one.state == state], POINTS)
        if some:
            made.add_scatter(
                x=[place for place, _ in some], y=[one.value for _, one in some], mode="markers",
                name=words(f"state_{state}"),
                customdata=[[one.number, one.text] for _, one in some],
                marker={"color": STATES[state], "size": 7, "opacity": 0.75,
                        "symbol": "circle" if state == "complete" else "x-thin-open"},
                hovertemplate=f"{words('trial')} %{{customdata[0]}}<br>%{{y:.4f}}<br>"
                              "%{customdata[1]}<extra></extra>")
    if steps:
        made.add_scatter(x=steps, y=values, mode="lines", name=words("best_so_far"),
                         line={"color": BLUE, "width": 2.5, "shape": "hv"},
                         hovertemplate=f"{words('best_so_far')} %{{y:.4f}}<extra></extra>")
        _add_gain(made, progress, steps[-1], values[-1], words)
    told = {one.value for _, one in done if one.value is not None}
    if len(told) == 1 and not progress.noise:  # else Plotly shows a range of 2 around it
        made.update_yaxes(range=[min(told) - 0.05, min(told) + 0.05])
    _add_baseline(made, [(place, one) for place, one in done if one.is_baseline], words)
    return made


def _add_band(made: Plot, steps: Sequence[int], values: Sequence[float], noise: float,
              words: Words) -> None:
    for side in (-1, 1):
        made.add_scatter(
            x=steps, y=[value + side * noise for value in values], mode="lines",
            line={"width": 0, "shape": "hv"}, hoverinfo="skip", name=words("noise_band"),
            fill="none" if side < 0 else "tonexty", fillcolor=faded(BLUE, 0.14),
            showlegend=side > 0, legendgroup="noise")


def _add_gain(made: Plot, progress: Progress, last: int, best: float, words: Words) -> None:
    if progress.gain is None or not 0.0 < progress.gain < float("inf"):
        return
    made.add_scatter(x=[last, last + 1], y=[best, best + progress.gain], mode="lines+markers",
                     name=words("expected_gain"), line={"color": GREEN, "dash": "dot", "width": 2},
                     marker={"size": [0, 8], "symbol": "diamond-open"},
                     hovertemplate=f"{words('expected_gain')} {progress.gain:.4f}<extra></extra>")


def _add_baseline(made: Plot, fixed: Sequence[tuple[int, Trained]], words: Words) -> None:
    values = [one.value for _, one in fixed if one.value is not None]
    if not values:
        return
    made.add_scatter(x=[place for place, _ in fixed], y=values, mode="markers",
                     name=words("fixed_point"), marker={
                         "color": ORANGE, "size": 11, "symbol": "diamond",
                         "line": {"width": 1, "color": "white"}},
                     hovertemplate=f"{words('fixed_point')} %{{y:.4f}}<extra></extra>")
    made.add_hline(y=sum(values) / len(values), line={"color": ORANGE, "width": 1, "dash": "dash"})


def curves(progress: Progress, words: Words) -> Plot:
    """The metric over the epochs of every training; the best one and the fixed point stand out,
    pruned ones end in a cross. Empty where none was evaluated twice."""
    made = figure(x=words("epoch"), y=progress.metric)
    _whole_ticks(made, max((one.curve[-1][0] for one in progress.trainings if one.curve),
                           default=0))
    some = [one for one in progress.trainings if one.curve]
    if all(len(one.curve) < 2 for one in some):
        return made
    for kind, colour, width in (("others", GREY, 1.0), ("pruned", GREY, 1.0),
                                ("running", GREEN, 2.0), ("fixed_point", ORANGE, 2.5),
                                ("found", BLUE, 3.0)):
        group = thinned([one for one in some if _kind(one) == kind])
        if not group:
            continue
        x, y, text = list[int | None](), list[float | None](), list[list[object]]()
        for one in group:
            x += [*(epoch for epoch, _ in one.curve), None]
            y += [*(value for _, value in one.curve), None]
            text += [[one.number, one.text]] * (len(one.curve) + 1)
        faint = kind in ("others", "pruned")
        made.add_scatter(x=x, y=y, customdata=text, name=words(kind), connectgaps=False,
                         mode="lines" if any(len(one.curve) > 1 for one in group) else "markers",
                         line={"color": faded(colour, 0.55) if faint else colour, "width": width,
                               "dash": "dot" if kind == "pruned" else "solid"},
                         marker={"color": colour, "size": 5}, legendgroup=kind,
                         hovertemplate=f"{words('trial')} %{{customdata[0]}}<br>"
                                       f"{words('epoch')} %{{x}}: %{{y:.4f}}<br>"
                                       "%{customdata[1]}<extra></extra>")
        if kind == "pruned":
            made.add_scatter(x=[one.curve[-1][0] for one in group], legendgroup=kind,
                             y=[one.curve[-1][1] for one in group], mode="markers",
                             showlegend=False, hoverinfo="skip",
                             marker={"color": GREY, "size": 7, "symbol": "x-thin-open"})
    return made


def _whole_ticks(made: Plot, last: int) -> None:
    """Ticks at whole numbers of a short axis; a long one has those anyway."""
    if last <= 12:
        made.update_xaxes(dtick=1)


def _kind(one: Trained) -> str:
    if one.is_best:
        return "found"
    if one.is_baseline:
        return "fixed_point"
    return one.state if one.state in ("pruned", "running") else "others"


def devices(progress: Progress, words: Words) -> Plot:
    """A Gantt chart: what each device trained when."""
    some = [one for one in progress.trainings if one.span is not None]
    names = sorted({one.device for one in some}, reverse=True)
    last = max((one.span[1] for one in some if one.span), default=0.0)
    unit, seconds = ("hours", 3600.0) if last > 7200.0 else (
        ("minutes", 60.0) if last > 120.0 else ("seconds", 1.0))
    made = figure(x=words(unit), height=130 + 44 * max(1, len(names)), barmode="overlay")
    made.update_yaxes(type="category", categoryorder="array", categoryarray=names)
    for state, colour in STATES.items():
        group = thinned([(one, one.span) for one in some if one.state == state and one.span],
                        POINTS)
        if group:
            made.add_bar(
                orientation="h", name=words(f"state_{state}"), y=[one.device for one, _ in group],
                base=[span[0] / seconds for _, span in group],
                x=[max(span[1] - span[0], last / 500) / seconds for _, span in group],
                marker={"color": faded(colour, 0.8),
                        "line": {"color": "rgba(255,255,255,0.7)", "width": 1}},
                customdata=[[one.number, one.text, span[1] - span[0]] for one, span in group],
                hovertemplate=f"{words('trial')} %{{customdata[0]}}: %{{customdata[2]:.0f}} s<br>"
                              "%{customdata[1]}<extra></extra>")
    return made
