"""Regret against trials and against epochs, one picture per table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy
from PIL import Image

from benchmarks.measures import grid_regret
from benchmarks.recorded import Table
from benchmarks.replay import Run
from paddle_transfer.errors import PaddleTransferError, SetupError
from paddle_transfer.files import open_file


def plot_regrets(table: Table, results: dict[str, Sequence[Run]], folder: str) -> Path:
    """Write ``<folder>/<table>.png``: the mean true regret of the point that would be chosen, in
    points; dashed, that of the best after one training of every point (``measures.grid_regret``).

    :raises SetupError: when matplotlib is missing
    :raises PaddleTransferError: another file has the name
    """
    path = plot_file(table, folder)
    try:
        import matplotlib
    except ImportError:
        raise SetupError("plots need matplotlib: pip install matplotlib") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(12.5, 4), sharey=True)
    for name, runs in results.items():
        trials = numpy.arange(1, max(len(run.chosen) for run in runs) + 1)
        left.plot(trials, mean_regret(table, runs, len(trials)), label=name)
        epochs = numpy.arange(table.epochs, max(run.epochs[-1] for run in runs) + 1)
        right.plot(epochs / table.epochs, _by_epochs(table, runs, epochs), label=name)
    whole = 100 * grid_regret(table, table.truth)
    for axes in (left, right):
        axes.axhline(whole, color="black", linestyle="--", linewidth=1,
                     label=f"whole grid ({table.space.size})")
    left.set(xlabel="trials", ylabel="mean true regret (points)", yscale="symlog", title=table.name)
    right.set(xlabel="epochs spent, in whole trainings")
    for axes in (left, right):
        axes.xaxis.get_major_locator().set_params(integer=True)
    right.legend(fontsize="small", loc="center left",
                 bbox_to_anchor=(1.0, 0.5))  # beside the lines, not on them
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
    return path


def plot_file(table: Table, folder: str) -> Path:
    """The picture of ``table``. Raises PaddleTransferError if it would replace a file that is no
    picture of Matplotlib's."""
    path = Path(folder) / f"{table.name}.png"
    if os.path.lexists(path):
        try:
            with open_file(path) as stream, Image.open(stream) as image:
                ours = str(image.info.get("Software")).startswith("Matplotlib")
        except OSError:
            ours = False
        if not ours:
            raise PaddleTransferError(f"{path}: is there already, and is no plot. Name another "
                                      "folder by --plot")
    return path


def mean_regret(table: Table, runs: Sequence[Run], trials: int):
    """Mean true regret in points after 1..``trials`` trials; a search that ended earlier keeps its
    last."""
    regrets = table.regrets * 100
    chosen = [[regrets[run.chosen[min(i,
                                      len(run.chosen) - 1)]]
               for i in range(trials)]
              for run in runs]
    return numpy.mean(chosen, axis=0)


def _by_epochs(table: Table, runs: Sequence[Run], epochs):
    regrets = table.regrets * 100
    curves = []
    for run in runs:
        done = numpy.searchsorted(run.epochs, epochs, side="right") - 1
        curves.append([regrets[run.chosen[max(i, 0)]] for i in done])
    return numpy.mean(curves, axis=0)
