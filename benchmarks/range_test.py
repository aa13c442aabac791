"""How well a range test tells a task's best learning rate, over recorded tasks.

    python tools/benchmark.py range_test

For every task with ``features.json`` (``task_features``) and a table or a sweep of rates
(``rate_sweep``): simple statistics of the smoothed loss curve, each a rate, beside the best rate. A
statistic is off by a constant number of decades, which is fitted to the other tasks.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy

from benchmarks.range_statistics import STATISTICS, Numbers, smoothed
from benchmarks.rate_sweep import read_sweep
from benchmarks.recorded import load_table
from benchmarks.truth import shrunk
from paddle_transfer.cli.parser import OptionParser
from paddle_transfer.config.load import load_yaml
from paddle_transfer.errors import PaddleTransferError

TABLES = Path(__file__).parent / "tables"


@dataclass(frozen=True)
class Task:
    """A recorded task.

    :param source: of its accuracies: ``table`` or ``sweep``
    :param like: what is known of it without any training: weights, BatchNorm, optimizer
    :param logs: decadic logarithms of the rates, rising
    :param accuracies: of each rate: true values, best over the other settings; of a sweep those of
        the fixed point's settings
    :param predictions: of each predictor, one for each seed of the range test
    """

    name: str
    source: str
    like: tuple[str, bool, str]
    logs: Numbers
    accuracies: Numbers
    predictions: Mapping[str, Sequence[float]]

    @property
    def best(self) -> float:
        """The logarithm of the best rate that was trained."""
        return float(self.logs[self.accuracies.argmax()])

    def lost(self, log: float) -> float:
        """Points of accuracy below the best rate, interpolated."""
        return float(100 * (self.accuracies.max() - numpy.interp(log, self.logs, self.accuracies)))


def load_tasks(tables: Path) -> list[Task]:
    """All tasks with range tests and either a table or a sweep of rates."""
    found = []
    for file in sorted(tables.glob("*/features.json")):
        accuracies = _accuracies(file.parent)
        if accuracies:
            found.append(_task(file.parent, json.loads(file.read_text()), accuracies))
    return found


def _accuracies(folder: Path) -> dict[float, float]:
    table = folder.with_name(f"{folder.name}.csv.gz")
    found: dict[float, list[float]] = {}
    if table.exists():
        loaded = load_table(table)
        for point, value in zip(loaded.space.points(), shrunk(loaded), strict=True):
            found.setdefault(float(str(point["lr"])), []).append(float(value))
        return {rate: max(values) for rate, values in found.items()}
    for (rate, _), top1 in read_sweep(folder / "rates.csv").items():
        found.setdefault(rate, []).append(top1)
    return {rate: float(numpy.mean(values)) for rate, values in found.items()}


def _task(folder: Path, told: Mapping[str, Any], accuracies: Mapping[float, float]) -> Task:
    rates = sorted(accuracies)
    logs = numpy.log10(rates)
    curves = [smoothed(test["rates"], test["losses"]) for test in told["range_tests"]]
    predictions = {name: [statistic(curve) for curve in curves]
                   for name, statistic in STATISTICS.items()}
    own = load_yaml(str(folder / "target.yaml"))["Optimizer"]["lr"]["learning_rate"]
    predictions["the fixed point's rate"] = [math.log10(own)]
    predictions["the middle of the axis"] = [float(logs[0] + logs[-1]) / 2]
    facts = told["facts"]
    source = "table" if folder.with_name(f"{folder.name}.csv.gz").exists() else "sweep"
    return Task(folder.name, source, (facts["weights"], facts["batch_norm"], facts["optimizer"]),
                logs, numpy.array([accuracies[rate] for rate in rates]), predictions)


@dataclass(frozen=True)
class Judgement:
    """How far a predictor is from the best rate, in decades (best minus predicted), over tasks.

    :param offset: mean
    :param spread: standard deviation between tasks
    :param plain: mean absolute error as it is
    :param left_out: the same with the mean offset of the other tasks added
    :param unlike: the same with the mean offset of the tasks of which something else is known
        (``Task.like``); NaN where there are none
    :param lost: points of accuracy that the rate of ``left_out`` loses, mean over tasks
    :param lost_plain: the same of the rate as it is
    """

    name: str
    offset: float
    spread: float
    plain: float
    left_out: float
    unlike: float
    lost: float
    lost_plain: float


def offset(name: str, tasks: Sequence[Task]) -> float:
    """Mean of best minus predicted, in decades; NaN without tasks."""
    return float(numpy.mean([task.best - numpy.mean(task.predictions[name]) for task in tasks]
                            or [math.nan]))


def judge(name: str, tasks: Sequence[Task]) -> Judgement:
    """A predictor over all tasks. Each seed's range test predicts for itself."""
    offsets = [offset(name, [task]) for task in tasks]
    errors: dict[str, list[float]] = {"plain": [], "left_out": [], "unlike": [], "lost": [],
                                      "lost_plain": []}
    for task in tasks:
        guesses = numpy.asarray(task.predictions[name])
        rest = offset(name, [one for one in tasks if one is not task])
        unlike = offset(name, [one for one in tasks if one.like != task.like])
        for kind, shift in (("plain", 0.0), ("left_out", rest), ("unlike", unlike)):
            errors[kind].append(float(numpy.abs(task.best - guesses - shift).mean()))
        for kind, shift in (("lost", rest), ("lost_plain", 0.0)):
            errors[kind].append(float(numpy.mean([task.lost(log + shift) for log in guesses])))
    means = {kind: float(numpy.mean(values)) for kind, values in errors.items()}
    return Judgement(name, float(numpy.mean(offsets)), float(numpy.std(offsets, ddof=1)), **means)


def nested(tasks: Sequence[Task]) -> tuple[float, float]:
    """Mean absolute error in decades, and points lost, of the statistic that is best on the other
    tasks: which one is taken is left out, too."""
    errors, lost = [], []
    for task in tasks:
        rest = [one for one in tasks if one is not task]
        name = min(STATISTICS, key=lambda one: judge(one, rest).left_out)
        logs = numpy.asarray(task.predictions[name]) + offset(name, rest)
        errors.append(numpy.abs(task.best - logs).mean())
        lost.append(numpy.mean([task.lost(log) for log in logs]))
    return float(numpy.mean(errors)), float(numpy.mean(lost))


def by_facts(tasks: Sequence[Task], statistic: str | None = None) -> tuple[float, float]:
    """The same without a range test: the mean best rate of the other tasks with the same weights,
    BatchNorm and optimizer, of all others where there is none.

    :param statistic: of a range test, with the others' offset, to take the mean with
    """
    errors, lost = [], []
    for task in tasks:
        rest = [one for one in tasks if one is not task]
        logs = numpy.array([numpy.mean([one.best for one in rest if one.like == task.like]
                                       or [one.best for one in rest])])
        if statistic:
            shift = offset(statistic, rest)
            logs = (logs + numpy.asarray(task.predictions[statistic]) + shift) / 2
        errors.append(numpy.abs(task.best - logs).mean())
        lost.append(numpy.mean([task.lost(log) for log in logs]))
    return float(numpy.mean(errors)), float(numpy.mean(lost))


_COLUMNS = ("offset", "spread", "plain", "lost_plain", "left_out", "unlike", "lost")


def report(tasks: Sequence[Task]) -> str:
    """Two tables in Markdown: predictors, tasks."""
    judged = sorted((judge(name, tasks) for name in tasks[0].predictions),
                    key=lambda one: one.left_out)
    best = next(one.name for one in judged if one.name in STATISTICS)
    lines = ["| predictor | offset | spread | error as it is | points lost | error left out | "
             "unlike tasks left out | points lost |", "|---|" + "---|" * len(_COLUMNS)]
    lines += [f"| {one.name} | " + " | ".join(
        f"{getattr(one, column):.2f}" for column in _COLUMNS) + " |" for one in judged]
    for name, (error, lost) in (("best of the statistics on the others", nested(tasks)),
                                ("tasks of the same facts", by_facts(tasks)),
                                (f"mean of that and {best}", by_facts(tasks, best))):
        lines.append(f"| {name} | | | | | {error:.2f} | | {lost:.2f} |")
    lines += ["", f"| task | from | best rate | {best}, by seed | with the others' offset | points "
              "lost |", "|---|---|---|---|---|---|"]
    for task in tasks:
        shift = offset(best, [one for one in tasks if one is not task])
        logs = task.predictions[best]
        lines.append(f"| {task.name} | {task.source} | {10 ** task.best:.2g} | " + " | ".join(
            ", ".join(f"{10 ** log:.2g}" for log in some)
            for some in (logs, [log + shift for log in logs])) + " | " + ", ".join(
                f"{task.lost(log + shift):.1f}" for log in logs) + " |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    parser = OptionParser(prog="benchmark.py range_test",
                          description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tables", type=Path, default=TABLES, help="default: %(default)s")
    parser.add_argument("--only-tables", action="store_true",
                        help="without the tasks of which only a sweep of rates was trained")
    parser.add_argument("--mean", action="store_true",
                        help="predict by the mean over the seeds' range tests, not by each")
    arguments = parser.parse_args(argv)
    tasks = [task for task in load_tasks(arguments.tables)
             if task.source == "table" or not arguments.only_tables]
    if arguments.mean:
        tasks = [replace(task, predictions={name: [float(numpy.mean(logs))] for name, logs in
                                            task.predictions.items()}) for task in tasks]
    if len(tasks) < 3:
        raise PaddleTransferError(f"{arguments.tables}: {len(tasks)} tasks have range tests and "
                                  "the accuracies of their rates; at least 3 are needed")
    print(report(tasks))
    return 0


if __name__ == "__main__":
    sys.exit(main())
