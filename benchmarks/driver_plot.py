"""A picture of what ``benchmark.py driver --json`` measured: costs by trials, the workers' use."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

#: The panels of costs: the key, what it is called, the goal at most, how it is shown.
PANELS = (("ms_per_trial", "ms a trial", 5.0, 1.0), ("bytes_per_trial", "kB a trial", 5.0, 1e-3),
          ("resume_s", "seconds to go on", 3.0, 1.0))
#: The stores in their order, with colours that differ in brightness, too.
STORES = {"journal": ("#1a237e", "o"), "sqlite": ("#e65100", "s"), "postgresql": ("#43a047", "^")}
GOAL = "#757575"
#: The least use of so many workers, in percent.
BUSY_GOALS = {64: 97, 512: 95}


def plot_driver(file: Path) -> Path:
    """Draw the JSON lines of ``file`` into an SVG beside it: the same bytes every time."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot

    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    with pyplot.rc_context({"svg.fonttype": "none", "svg.hashsalt": "docs", "font.size": 9,
                            "axes.spines.top": False, "axes.spines.right": False}):
        figure, axes = pyplot.subplots(1, 4, figsize=(11, 2.9), layout="constrained")
        for one, (key, label, goal, scale) in zip(axes, PANELS, strict=False):
            _costs(one, [line for line in lines if "busy" not in line], key, scale)
            one.axhline(goal, color=GOAL, linestyle="--", linewidth=1)
            one.annotate("goal", (1, goal), xycoords=("axes fraction", "data"), ha="right",
                         va="bottom", color=GOAL)
            one.set(xlabel="trials", ylabel=label, xscale="log", ylim=(0, None))
            one.xaxis.set_major_formatter("{x:,.0f}")
        axes[0].legend(frameon=False)
        _busy(axes[3], sorted((line["workers"], 100 * line["busy"])
                              for line in lines if "busy" in line))
        path = file.with_suffix(".svg")
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)
    return path


def _costs(axes: Any, lines: Sequence[dict[str, Any]], key: str, scale: float) -> None:
    for store, (colour, marker) in STORES.items():
        points = sorted((line["trials"], scale * line[key]) for line in lines
                        if line["store"] == store)
        if points:
            axes.plot(*zip(*points, strict=True), color=colour, marker=marker, label=store)


def _busy(axes: Any, points: Sequence[tuple[int, float]]) -> None:
    axes.plot([str(workers) for workers, _ in points], [busy for _, busy in points],
              color=STORES["journal"][0], marker="o", linestyle="none")
    for place, (workers, busy) in enumerate(points):
        axes.annotate(f"{busy:.1f}", (place, busy), xytext=(0, 5), textcoords="offset points",
                      ha="center")
        if workers in BUSY_GOALS:
            goal = BUSY_GOALS[workers]
            axes.plot([place - 0.4, place + 0.4], [goal, goal], color=GOAL, linestyle="--")
    axes.set(xlabel="workers", ylabel="% of their time spent training", ylim=(90, 101),
             xlim=(-0.6, len(points) - 0.4))
