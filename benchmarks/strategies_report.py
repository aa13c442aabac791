"""The tables and the picture of what ``strategies`` and ``joint`` recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

from benchmarks.joint import SearchRow
from benchmarks.strategies import WAYS, Row, best_rate
from benchmarks.transfer_sets import SETS
from paddle_transfer.errors import SetupError


@dataclass(frozen=True)
class Cell:
    """A strategy on a set, at its best rate.

    :param at_edge: whether the rate is the smallest or the largest that was tried
    :param tests: accuracy on the test part, one a seed
    :param seconds: of a training; that of the fastest seed, as other work slows trainings down
    """

    rate: float
    at_edge: bool
    tests: tuple[float, ...]
    seconds: float

    @property
    def mean(self) -> float:
        return mean(self.tests)

    @property
    def spread(self) -> float:
        """The standard deviation over seeds; 0 of a single one."""
        return stdev(self.tests) if len(self.tests) > 1 else 0.0


def cell_of(rows: Sequence[Row], name: str, per_class: int, strategy: str) -> Cell | None:
    """None where nothing was recorded, or not every rate."""
    own = [row for row in rows if (row.set, row.per_class, row.strategy) == (
        name, per_class, strategy)]
    first = [row for row in own if row.seed == 0]
    if len({row.rate for row in first}) < len(WAYS[strategy].rates):
        return None
    rate = best_rate(first)
    chosen = [row for row in own if row.rate == rate]
    return Cell(rate, rate in (min(WAYS[strategy].rates), max(WAYS[strategy].rates)),
                tuple(row.test for row in chosen), min(row.seconds for row in chosen))


def strategies_tables(rows: Sequence[Row]) -> str:
    """A Markdown table for each number of training images: mean ± spread in percent, (rate; seconds
    of a training). A star marks a rate at the edge of those tried."""
    return "\n\n".join(f"{per_class} training images a class:\n\n" + "\n".join(
        _lines(rows, per_class)) for per_class in sorted({row.per_class for row in rows}))


def _lines(rows: Sequence[Row], per_class: int) -> Iterator[str]:
    names = [name for name in SETS if any(
        (row.set, row.per_class) == (name, per_class) for row in rows)]
    yield "| strategy | " + " | ".join(names) + " |"
    yield "|---" * (1 + len(names)) + "|"
    for strategy in WAYS:
        cells = [cell_of(rows, name, per_class, strategy) for name in names]
        if any(cells):
            yield f"| {strategy} | " + " | ".join(map(_text, cells)) + " |"


def _text(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    star = "*" if cell.at_edge else ""
    return (f"{100 * cell.mean:.1f} ± {100 * cell.spread:.1f} "
            f"({cell.rate:g}{star}; {cell.seconds:.1f} s)")


def joint_table(rows: Sequence[SearchRow]) -> str:
    """A Markdown table: the mean test accuracy of both searches with its standard error, and that
    of their difference seed by seed, in points."""
    lines = ["| set | joint | single | joint - single | found by joint | single |",
             "|---|---|---|---|---|---|"]
    for name in [name for name in SETS if any(row.set == name for row in rows)]:
        tests = {kind: {row.seed: row for row in rows if (row.set, row.kind) == (name, kind)}
                 for kind in ("joint", "single")}
        seeds = sorted(tests["joint"].keys() & tests["single"].keys())
        if seeds:
            joint, single = ([tests[kind][seed] for seed in seeds] for kind in tests)
            gains = [one.test - other.test for one, other in zip(joint, single, strict=True)]
            lines.append(
                f"| {name} | {_with_error([row.test for row in joint])} | "
                f"{_with_error([row.test for row in single])} | {_with_error(gains)} | "
                f"{', '.join(row.strategy for row in joint)} | {single[0].strategy} |")
    return "\n".join(lines)


def _with_error(values: Sequence[float]) -> str:
    error = stdev(values) / len(values) ** 0.5 if len(values) > 1 else float("nan")
    return f"{100 * mean(values):.1f} ± {100 * error:.1f}"


def plot_strategies(rows: Sequence[Row], path: Path) -> None:
    """Draw accuracy against the number of training images, a panel for each set.

    Raises SetupError when matplotlib is missing.
    """
    try:
        import matplotlib
    except ImportError:
        raise SetupError("plots need matplotlib: pip install matplotlib") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = [name for name in SETS if any(row.set == name for row in rows)]
    sizes = sorted({row.per_class for row in rows})
    figure, panels = pyplot.subplots(1, len(names), figsize=(3.4 * len(names) + 1.6, 4),
                                     sharey=True, squeeze=False)
    for axes, name in zip(panels[0], names, strict=True):
        for number, strategy in enumerate(WAYS):
            found = [(place + 0.08 * (number - len(WAYS) / 2), cell)
                     for place, per_class in enumerate(sizes)
                     if (cell := cell_of(rows, name, per_class, strategy)) is not None]
            if found:
                axes.errorbar([x for x, _ in found], [100 * cell.mean for _, cell in found],
                              [100 * cell.spread for _, cell in found], marker="o", markersize=4,
                              capsize=2, linewidth=1, label=strategy, color=f"C{number}")
        axes.set_xticks(range(len(sizes)), [str(one) for one in sizes])
        axes.set(xlabel="training images a class", title=name, xlim=(-0.5, len(sizes) - 0.5))
        axes.grid(axis="y", alpha=0.3)
    panels[0][0].set(ylabel="test accuracy (%)")
    handles = {label: handle for axes in panels[0] for handle, label in zip(
        *axes.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="center right", fontsize="small")
    figure.tight_layout(rect=(0, 0, 1 - 1.5 / (3.4 * len(names) + 1.6), 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
