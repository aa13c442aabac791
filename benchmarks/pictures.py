"""The pictures of the docs, of the recorded tables: ``python tools/benchmark.py pictures``.

Each is an SVG whose texts stay texts (the browser's fonts), once for each language of the site.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray

from benchmarks.gap_closed import TRIALS, gains
from benchmarks.methods import methods, run_method
from benchmarks.recorded import BASELINE, Table, load_table
from benchmarks.replay import Run
from benchmarks.truth import shrunk
from paddle_transfer.samplers.base import Observation
from paddle_transfer.samplers.gp import encoding
from paddle_transfer.samplers.gp.model import model_of
from paddle_transfer.space.space import Point

TABLES = Path(__file__).with_name("tables")
#: The table of the pictures that show one search: its best rate is no end of the axis.
ONE = "fashion_clothes_250"

BLUE, ORANGE, GREY, GREEN = "#3f51b5", "#e65100", "#757575", "#2e7d32"
TEXTS = {
    "en": {"trainings": "trainings", "closed": "% of the possible gain found", "bayes": "bayes",
           "random": "random search", "grid": "whole grid, {} trainings", "rate": "learning rate",
           "top1": "top-1", "after": "after {} trainings", "first": "after the fixed point",
           "mean": "the model expects", "band": "± 1 standard deviation", "seen": "trained",
           "truth": "true value (recorded)", "epoch": "epoch", "whole": "trained to the end",
           "stopped": "stopped early", "winner": "the point found"},
    "zh": {"trainings": "训练次数", "closed": "找到的提升（占可能提升的 %）",
           "bayes": "贝叶斯搜索（bayes）", "random": "随机搜索",
           "grid": "完整网格，{} 次训练", "rate": "学习率", "top1": "top-1",
           "after": "{} 次训练之后", "first": "固定点之后", "mean": "模型的预测",
           "band": "± 1 个标准差", "seen": "已训练的点", "truth": "真实值（有记录）",
           "epoch": "轮次", "whole": "完整训练", "stopped": "提前中止", "winner": "找到的点"}}
Texts = dict[str, str]


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pictures; prints their names."""
    parser = argparse.ArgumentParser(prog="tools/benchmark.py pictures", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("docs/assets"))
    folder = parser.parse_args(argv).output
    tables = [load_table(str(path)) for path in sorted(TABLES.glob("*.csv.gz"))]
    one = next(table for table in tables if table.name == ONE)
    found, searched = gains(tables), search_of(one)
    for name, draw, size in (
            ("gain", lambda figure, texts: draw_gains(figure, found, texts), (7, 3.8)),
            ("model", lambda figure, texts: draw_model(figure, one, searched, texts), (9, 3.4)),
            ("pruning", lambda figure, texts: draw_curves(figure, one, searched, texts), (7, 3.6))):
        for language, texts in TEXTS.items():
            ending = "" if language == "en" else f".{language}"
            print(save(folder / f"search_{name}{ending}.svg", draw, texts, size))
    return 0


def save(path: Path, draw: Callable[[Any, Texts], None], texts: Texts,
         size: tuple[float, float]) -> Path:
    """Write what ``draw`` puts into a figure of ``size`` inches: the same bytes every time."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot

    with pyplot.rc_context({"svg.fonttype": "none", "svg.hashsalt": "docs", "font.size": 10,
                            "font.family": "sans-serif", "axes.spines.top": False,
                            "axes.spines.right": False}):
        figure = pyplot.figure(figsize=size, layout="constrained")
        draw(figure, texts)
        path.parent.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():  # of Chinese, which the browser has fonts for
            warnings.filterwarnings("ignore", "Glyph .* missing from font")
            figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)
    return path


def draw_gains(figure: Any, shares: dict[str, NDArray[numpy.float64]], texts: Texts) -> None:
    axes = figure.subplots()
    for name, colour, width in (("bayes", BLUE, 3), ("random", ORANGE, 1.5)):
        trainings = numpy.arange(1, len(shares[name]) + 1)
        axes.plot(trainings, 100 * shares[name], color=colour, linewidth=width, label=texts[name])
    every = len(shares["random"])
    axes.axhline(100 * shares["random"][-1], color=GREY, linestyle="--", linewidth=1,
                 label=texts["grid"].format(every))
    axes.set(xscale="log", xlabel=texts["trainings"], ylabel=texts["closed"], ylim=(0, 100))
    ticks = [1, 2, 4, 10, 20, 50, 100, every]
    axes.set_xticks(ticks, [str(one) for one in ticks])
    axes.set_xticks([], minor=True)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(frameon=False, loc="lower right")


# --- one search -----------------------------------------------------------------------------------


def search_of(table: Table) -> Run:
    """One search of ours on the table's first seed."""
    return run_method(table, methods()["bayes"], repeats=1, trials=TRIALS, fixed=BASELINE)[0]


def observations(table: Table, run: Run, count: int) -> list[Observation]:
    """The first ``count`` trials of ``run`` as a sampler sees them."""
    epochs = numpy.diff([0, *run.epochs])
    points: list[Point] = list(table.space.points())
    made = []
    for i, place in enumerate(run.points[:count]):
        curve = table.curve(points[place], run.recorded_seed)[:epochs[i]]
        made.append(Observation(i, points[place], max(value for _, value in curve),
                                "pruned" if run.stopped[i] else "complete", curve))
    return made


def draw_model(figure: Any, table: Table, run: Run, texts: Texts) -> None:
    """The model along the learning rate, the other settings as in the fixed point."""
    rates = sorted({float(point["lr"]) for point in table.space.points()})
    line = [{**BASELINE, "lr": rate} for rate in rates]
    values = shrunk(table)
    true = [values[table.space.index(point)] for point in line]
    panels = figure.subplots(1, 3, sharey=True)
    for axes, count in zip(panels, (1, 4, TRIALS), strict=True):
        seen = observations(table, run, count)
        model = model_of(table.space, seen, baseline=BASELINE, eval_size=table.eval_size)
        means, deviations = model.predict(encoding.matrix(model.axes, line))
        mean = model.weights @ means
        spread = numpy.sqrt(model.weights @ (deviations**2 + means**2) - mean**2)
        low, middle, high = (model.data.metric(mean + k * spread) for k in (-1, 0, 1))
        axes.fill_between(rates, low, high, color=BLUE, alpha=0.18, label=texts["band"], lw=0)
        axes.plot(rates, middle, color=BLUE, label=texts["mean"])
        axes.plot(rates, true, color=GREY, linestyle=":", label=texts["truth"])
        axes.plot([float(o.point["lr"]) for o in seen if o.state == "complete"],
                  [o.value for o in seen if o.state == "complete"], "o", color=ORANGE,
                  markersize=5, label=texts["seen"])
        axes.set(xscale="log", xlabel=texts["rate"],
                 title=texts["first"] if count == 1 else texts["after"].format(count))
    panels[0].set(ylabel=texts["top1"])
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4,
                  frameon=False)


def draw_curves(figure: Any, table: Table, run: Run, texts: Texts) -> None:
    """The learning curves of the search; those that were stopped early end in a cross."""
    axes, points = figure.subplots(), list(table.space.points())
    for trial in observations(table, run, len(run.points)):
        pruned, found = trial.state == "pruned", points[run.chosen[-1]] == trial.point
        epochs, values = zip(*trial.curve, strict=True)
        name = "winner" if found else "stopped" if pruned else "whole"
        axes.plot(epochs, values, label=texts[name], zorder=3 if found else 2,
                  color={"winner": GREEN, "stopped": ORANGE, "whole": GREY}[name],
                  linewidth=2.5 if found else 1, alpha=1 if found or pruned else 0.6,
                  marker="x" if pruned else None, markevery=[-1])
    axes.set(xlabel=texts["epoch"], ylabel=texts["top1"], xticks=range(1, table.epochs + 1))
    names = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    axes.legend(names.values(), names.keys(), frameon=False, loc="lower right")
