"""What ``tools/benchmark.py`` does with its arguments."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from paddle_transfer.errors import PaddleTransferError, counted
from paddle_transfer.space.space import Point

if TYPE_CHECKING:  # they import numpy, which a mistyped option must not wait for
    from benchmarks.methods import Method
    from benchmarks.recorded import Table


def main(arguments: argparse.Namespace) -> int:
    """Run a subcommand; the exit code."""
    return {"replay": replay_tables, "means": show_means, "distil": distil_tables,
            }[arguments.command](arguments)


def replay_tables(arguments: argparse.Namespace) -> int:
    """Every method on every table, a line each as soon as it is known."""
    from benchmarks.means import report_lines
    from benchmarks.methods import run_method
    from benchmarks.recorded import load_table
    from benchmarks.report import summarise

    if arguments.prior and arguments.leave_one_out:
        raise PaddleTransferError("--prior and --leave-one-out: give one of them; each says what "
                                  "bayes_prior learns from")
    tables = [load_table(path) for path in arguments.table]
    chosen = _chosen(arguments, tables)
    fixed = [
        None if arguments.fixed == "none" else table.baseline(fixed_point(
            arguments.fixed, table.space)) for table in tables
    ]  # all mistakes before hours of work
    there = set()
    if arguments.plot:
        from benchmarks.plots import plot_file, plot_regrets
        there = {file for file in (plot_file(table, arguments.plot) for table in tables)
                 if file.exists()}
    if not arguments.json:
        print(_HEAD)
    summaries = []
    for table, first in zip(tables, fixed, strict=False):
        results = {}
        for method, workers in itertools.product(chosen, arguments.workers):
            name = method.name if workers == 1 else f"{method.name}, {workers} workers"
            results[name] = run_method(table, method, repeats=arguments.repeats,
                                       trials=arguments.trials, fixed=first, workers=workers)
            summaries.append(summarise(table, method, results[name], trials=arguments.trials,
                                       fixed=first, workers=workers))
            print(summaries[-1].json() if arguments.json else _row(summaries[-1]), flush=True)
        if arguments.plot:
            file = plot_regrets(table, results, arguments.plot)
            print(f"{file}{' (replaces the one that was there)' if file in there else ''}",
                  file=sys.stderr)
    if not arguments.json:
        print("\n".join(report_lines(summaries)))
    return 0


def _chosen(arguments: argparse.Namespace, tables: Sequence[Table]) -> list[Method]:
    """The methods that were asked for, with what they may know."""
    from benchmarks.methods import LeftOut, find_methods, methods
    from paddle_transfer.samplers.gp.past_tasks import read_tasks

    return find_methods(arguments.method, methods(
        acquisition=arguments.acquisition,
        tasks=read_tasks(arguments.prior) if arguments.prior else None,
        left_out=LeftOut(tables) if arguments.leave_one_out else None))


def show_means(arguments: argparse.Namespace) -> int:
    """What ``replay`` prints at its end, of summaries in files."""
    from benchmarks.means import read_summaries, report_lines
    print("\n".join(report_lines(read_summaries(arguments.file))))
    return 0


def distil_tables(arguments: argparse.Namespace) -> int:
    """Write a prior file of the tables."""
    from benchmarks.recorded import load_table, write_tasks
    from paddle_transfer.samplers.gp.task_prior import compress_table

    tasks = [compress_table(load_table(path)) for path in arguments.table]
    if arguments.turned:
        tasks = [replace(task, values=tuple(-value for value in task.values)) for task in tasks]
    replaced = write_tasks(arguments.output, tasks, source=arguments.source)
    print(f"{arguments.output}: {counted(len(tasks), 'task')}"
          + (" (replaces the file that was there)" if replaced else ""))
    return 0


def fixed_point(text: str | None, space) -> Point | None:
    """``lr=0.003,mixup=False`` as values of ``space``; None for no text.

    :raises PaddleTransferError: for a name or a value that the table has not
    """
    from paddle_transfer.samplers.tables import cell_value
    if text is None:
        return None
    point = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        if name not in space.names or not space[name].contains(cell_value(value)):
            raise PaddleTransferError(f"--fixed {part}: not in the table. It has " + "; ".join(
                f"{h.name} in {list(h.values)}" for h in space.hyperparameters))
        point[name] = cell_value(value)
    return point


_COLUMNS = (("trials_median", "trials"), ("trials_p90", "p90"), ("epochs_share_median", "epochs %"),
            ("regret_5", "regret 5"), ("regret_10", "10"), ("regret_12", "12"), ("regret_20", "20"),
            ("stop_trials_median", "stop"), ("stop_regret_mean", "regret"),
            ("seconds_per_ask", "s/ask"), ("epochs_saved", "saved %"),
            ("wrongly_stopped", "wrong %"), ("regret_grid", "whole grid"),
            ("closed_4", "closed 4 %"), ("closed_10", "10 %"), ("closed_20", "20 %"),
            ("closed_grid", "grid %"), ("below_fixed", "below %"))
_SHARES = ("epochs_share_median", "epochs_saved", "wrongly_stopped", "closed_4", "closed_10",
           "closed_20", "closed_grid", "below_fixed")
_HEAD = f"{'table':<26} {'method':<14}" + "".join(f"{title:>11}" for _, title in _COLUMNS)


def _row(summary) -> str:
    cells = []
    for name, _ in _COLUMNS:
        value = getattr(summary, name)
        value = value * 100 if value is not None and name in _SHARES else value
        digits = ".1f" if name.startswith("trials") else ".2f"
        cells.append(f"{'-' if value is None else format(value, digits):>11}")
    return f"{summary.table:<26} {summary.method:<14}" + "".join(cells)
