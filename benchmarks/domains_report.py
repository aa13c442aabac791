"""The tables and the picture of what ``domains`` recorded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from benchmarks.domain_sets import ADAPTED, PICTURES, TOGETHER
from benchmarks.domains import (
    ADABN,
    ADVERSARIAL,
    CORAL,
    EPOCHS,
    FULL,
    LABELS,
    MULTI_TASK,
    RATES_TRIED,
    SEEDS,
    SETTINGS,
    SOURCE_ONLY,
    WEIGHTS_TRIED,
    Row,
    best_rate,
)
from paddle_transfer.errors import SetupError

WAYS = (SOURCE_ONLY, ADABN, CORAL, ADVERSARIAL, LABELS)
#: What chooses among the twelve trainings, and the column that it goes by.
CHOOSERS = {"target_free": "free", "source accuracy": "val", "target labels": "target_val"}


def closed(source_only: float, reached: float, labels: float) -> float:
    """Share of the gap from ``source_only`` to ``labels`` that ``reached`` closes; NaN without a
    gap."""
    return (reached - source_only) / (labels - source_only) if labels > source_only else math.nan


def adapted_rows(rows: Sequence[Row], pair: str, way: str) -> list[Row]:
    """Those with the setting that was chosen by hand."""
    chosen = SETTINGS[pair]
    weight = {CORAL: chosen.coral, ADVERSARIAL: chosen.adversarial}.get(way, 0.0)
    return [row for row in rows if (row.pair, row.way, row.weight, row.rate) == (
        pair, way, weight, chosen.rate)]


def adapted_table(rows: Sequence[Row], pair: str) -> Iterator[str]:
    """Lines of a Markdown table: accuracy in percent, mean ± standard deviation over seeds; the gap
    over those seeds that also have its two ends."""
    tests = {way: {row.seed: row.test for row in own} for way in WAYS
             if (own := adapted_rows(rows, pair, way))}
    yield "| way | source images | target's test images | gap closed | seeds | seconds |"
    yield "|---" * 6 + "|"
    ends = tests.get(SOURCE_ONLY, {}).keys() & tests.get(LABELS, {}).keys()
    for way in tests:
        own, seeds = adapted_rows(rows, pair, way), ends & tests[way].keys()
        gap = closed(*(mean(tests[one][seed] for seed in seeds)
                       for one in (SOURCE_ONLY, way, LABELS))) if seeds else math.nan
        yield (f"| {way} | {spread([row.val for row in own])} | "
               f"{spread([row.test for row in own])} | "
               f"{'-' if math.isnan(gap) else f'{100 * gap:.0f} %'} | {len(own)} | "
               f"{min(row.seconds for row in own):.0f} |")


def spread(values: Sequence[float]) -> str:
    deviation = stdev(values) if len(values) > 1 else 0.0
    return f"{100 * mean(values):.1f} ± {100 * deviation:.1f}"


# -- two lists trained together --------------------------------------------------------------------


def together_rows(rows: Sequence[Row], pair: str, per_class: int, way: str) -> list[Row]:
    """Those of the rate that is best with the first seed."""
    own = [row for row in rows if (row.pair, row.per_class, row.way) == (pair, per_class, way)]
    rate = best_rate(own, pair, per_class, way)
    return sorted((row for row in own if row.rate == rate), key=lambda row: row.seed)


def together_table(rows: Sequence[Row]) -> Iterator[str]:
    yield ("| pair | target images a class | full | multi_task | multi_task - full | seeds | "
           "seconds |")
    yield "|---" * 7 + "|"
    for pair in TOGETHER:
        for per_class in EPOCHS:
            full, multi = (together_rows(rows, pair, per_class, way) for way in (FULL, MULTI_TASK))
            if full and multi:
                gains = [b.test - a.test for a in full for b in multi if a.seed == b.seed]
                cells = (f"{spread([row.test for row in own])} ({own[0].rate:g})"
                         for own in (full, multi))
                yield (f"| {pair} | {per_class} | {' | '.join(cells)} | {spread(gains)} | "
                       f"{len(gains)} | {min(row.seconds for row in full):.0f}, "
                       f"{min(row.seconds for row in multi):.0f} |")


# -- chosen with and without labels ----------------------------------------------------------------


def grid_rows(rows: Sequence[Row], seed: int) -> list[Row]:
    return [row for row in rows if (row.pair, row.way, row.seed) == (PICTURES, ADVERSARIAL, seed)
            and row.weight in WEIGHTS_TRIED and row.rate in RATES_TRIED]


def chosen_row(grid: Sequence[Row], column: str) -> Row:
    """The best by ``column``; of equal ones the one with the smallest rate, then weight."""
    ordered = sorted(grid, key=lambda row: (row.rate, row.weight))
    return max(ordered, key=lambda row: float(getattr(row, column)))


def choice_table(rows: Sequence[Row]) -> Iterator[str]:
    """A line for each chooser: test accuracies of its winners, a seed each."""
    grids = [grid for seed in SEEDS if len(grid := grid_rows(rows, seed)) == len(
        WEIGHTS_TRIED) * len(RATES_TRIED)]
    if not grids:
        return
    yield "| chosen by | test accuracy | below the choice by labels | lambda, rate of each seed |"
    yield "|---" * 4 + "|"
    by_labels = [chosen_row(grid, "target_val").test for grid in grids]
    for name, column in {**CHOOSERS, "(the best on the test images)": "test"}.items():
        winners = [chosen_row(grid, column) for grid in grids]
        behind = [a - row.test for a, row in zip(by_labels, winners, strict=True)]
        yield (f"| {name} | {spread([row.test for row in winners])} | {spread(behind)} | "
               f"{'; '.join(f'{row.weight:g}, {row.rate:g}' for row in winners)} |")


def domains_tables(rows: Sequence[Row]) -> str:
    """All tables that have a row."""
    parts = [(pair, list(adapted_table(rows, pair))) for pair in ADAPTED]
    parts += [("trained together", list(together_table(rows))),
              ("twelve trainings, one chosen", list(choice_table(rows)))]
    return "\n\n".join(f"{title}:\n\n" + "\n".join(lines) for title, lines in parts
                       if len(lines) > 2)


# -- picture ---------------------------------------------------------------------------------------


def plot_domains(rows: Sequence[Row], path: Path) -> None:
    """Draw the adapted pairs as bars, and what multi_task gains.

    Raises SetupError when matplotlib is missing.
    """
    try:
        import matplotlib
    except ImportError:
        raise SetupError("plots need matplotlib: pip install matplotlib") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 3, figsize=(14, 4.2))
    for axes, pair in zip(panels, ADAPTED, strict=False):
        found = [(way, own) for way in WAYS if (own := adapted_rows(rows, pair, way))]
        for place, (_, own) in enumerate(found):
            tests = [100 * row.test for row in own]
            axes.bar(place, mean(tests), color="C0", alpha=0.5)
            axes.plot([place] * len(tests), tests, "o", color="black", markersize=4)
        axes.set_xticks(range(len(found)), [way.replace(" ", "\n") for way, _ in found],
                        fontsize="small")
        axes.set(title=pair, ylabel="accuracy on the target's test images (%)", ylim=(0, 100))
        axes.grid(axis="y", alpha=0.3)
    _plot_together(panels[2], rows)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _plot_together(axes: Any, rows: Sequence[Row]) -> None:
    for number, pair in enumerate(TOGETHER):
        for way, style in ((FULL, "--"), (MULTI_TASK, "-")):
            cells = [(place + 0.05 * (number - 1), [100 * row.test for row in own])
                     for place, per_class in enumerate(EPOCHS)
                     if (own := together_rows(rows, pair, per_class, way))]
            if cells:
                axes.errorbar(
                    [x for x, _ in cells], [mean(tests) for _, tests in cells],
                    [stdev(tests) if len(tests) > 1 else 0.0 for _, tests in cells],
                    linestyle=style, marker="o", markersize=4, capsize=2, color=f"C{number}",
                    label=f"{pair}, {way}")
    axes.set_xticks(range(len(EPOCHS)), [str(one) for one in EPOCHS])
    axes.set(title="trained together", xlabel="target images a class", ylim=(0, 100))
    axes.grid(axis="y", alpha=0.3)
    axes.legend(fontsize="x-small", loc="center left", bbox_to_anchor=(1.0, 0.5),
                     handlelength=4.0)
