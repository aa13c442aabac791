"""Record a table of a task with the product, one learning rate and seed at a time.

    python benchmarks/record_table.py squeezenet_tuxpaint --seeds 0 1
    python benchmarks/record_table.py squeezenet_tuxpaint --seeds 2 3 --better-half

The task is a folder of ``benchmarks/tables`` with a target config and the search file of its grid.
What was recorded is in ``benchmarks/tables/TASK/rows.csv.gz``, one row for each training and
evaluation, and is never trained again: a recording that was cut off goes on from the file that was
committed, on any machine. Seeds whose grid is whole are written to
``benchmarks/tables/TASK.csv.gz``, which ``replay`` takes.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TypeAlias

import yaml

TABLES = Path("benchmarks/tables")

Value: TypeAlias = bool | int | float | str
#: The point's values in the order of the search file, and the seed.
Training: TypeAlias = tuple[tuple[Value, ...], int]
#: The metric after each evaluation of each training.
Rows: TypeAlias = dict[Training, list[float]]


@dataclass(frozen=True)
class Task:
    """A grid to be recorded.

    :param dimensions: the values of each hyperparameter; the first one is the learning rate
    :param interval: epochs between two evaluations
    """

    name: str
    dimensions: Mapping[str, Sequence[Value]]
    epochs: int
    interval: int
    classes: int

    @property
    def points(self) -> list[tuple[Value, ...]]:
        return list(product(*self.dimensions.values()))

    @property
    def evaluations(self) -> int:
        return self.epochs // self.interval


def load_task(name: str, tables: Path) -> Task:
    """The task of the folder ``name``."""
    search = yaml.safe_load((tables / name / "search.yaml").read_text())
    target = yaml.safe_load((tables / name / "target.yaml").read_text())
    dimensions = {item["search_key"]: item["search_values"] for item in search["search_dict"]}
    settings = target["Global"]
    return Task(
        name,
        dimensions,
        epochs=settings["epochs"],
        interval=settings["eval_interval"],
        classes=target["Arch"]["class_num"],
    )


# -- the file of what was recorded ----------------------------------------------------------------


def read_rows(path: Path, task: Task) -> Rows:
    """The trainings of a table file; empty when there is none."""
    rows: Rows = {}
    if not path.exists():
        return rows
    width = len(task.dimensions)
    with gzip.open(path, "rt", newline="") as file:
        lines = csv.reader(line for line in file if not line.startswith("#"))
        next(lines)
        for line in lines:
            point = tuple(_value(cell) for cell in line[:width])
            rows.setdefault((point, int(line[width])), []).append(float(line[-1]))
    return rows


def _value(cell: str) -> Value:
    if cell in ("True", "False"):
        return cell == "True"
    try:
        return float(cell)
    except ValueError:
        return cell


def write_rows(path: Path, task: Task, rows: Rows, seeds: Iterable[int]) -> None:
    """Write the trainings of ``seeds`` as a table, points in the order of the grid. Atomic."""
    part = path.with_name(path.name + ".part")
    wanted = sorted(seeds)
    with gzip.open(part, "wt", newline="") as file:
        file.write(f"# configs and data: benchmarks/tables/{task.name}/\n")
        file.write(f"# made by: python benchmarks/record_table.py {task.name}\n")
        file.write(f"# an epoch of the table is {task.interval} of the training\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*task.dimensions, "seed", "epoch", "top1"])
        for point, seed in product(task.points, wanted):
            for number, metric in enumerate(rows.get((point, seed), ()), start=1):
                writer.writerow([*point, seed, number, f"{metric:.6g}"])
    os.replace(part, path)


def whole_seeds(task: Task, rows: Rows) -> list[int]:
    """The seeds with which every point was trained."""
    seeds = {seed for _, seed in rows}
    return sorted(s for s in seeds if all((point, s) in rows for point in task.points))


# -- what is to be recorded ------------------------------------------------------------------------


def better_rates(task: Task, rows: Rows) -> list[Value]:
    """The half of the learning rates that hold most of the better half of the points.

    Only seeds that are whole count, so that the choice stays the same while others are recorded.
    """
    seeds = whole_seeds(task, rows)[:2]
    means = {
        point: sum(rows[point, seed][-1] for seed in seeds) / max(1, len(seeds))
        for point in task.points
    }
    best = sorted(means, key=lambda point: -means[point])[: len(means) // 2]
    rates = next(iter(task.dimensions.values()))
    counts = {rate: sum(point[0] == rate for point in best) for rate in rates}
    chosen = sorted(rates, key=lambda rate: -counts[rate])[: (len(rates) + 1) // 2]
    return [rate for rate in rates if rate in chosen]


def train_slice(task: Task, rate: Value, seed: int, work: Path) -> Rows:
    """Train all points of one learning rate; goes on when it was cut off.

    :raises SystemExit: with the search's own exit code when it fails
    """
    name, *others = task.dimensions
    space = [{"search_key": name, "search_values": [rate]}]
    space += [{"search_key": key, "search_values": list(task.dimensions[key])} for key in others]
    output = work / task.name / f"seed{seed}_{name}{rate}"
    command = [sys.executable, "tools/search.py", "--no-data-check"]
    command += ["-c", str(TABLES / task.name / "search.yaml")]
    for override in (
        f"seed={seed}",
        "search_times=1",
        f"output_dir={output}",
        f"search_dict={json.dumps(space)}",
    ):
        command += ["-o", override]
    done = subprocess.run(command, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)
    return read_search(task, output)


def read_search(task: Task, output: Path) -> Rows:
    """The trainings of a search that has ended, by ``search_results.csv`` and the trials' folders.

    A training that diverged stands at chance from there on: that is what a network of NaN gives.
    """
    rows: Rows = {}
    with (output / "search_results.csv").open(newline="") as file:
        for line in csv.DictReader(file):
            if line["state"] not in ("complete", "diverged"):
                continue
            point = tuple(_value(line[name]) for name in task.dimensions)
            result = json.loads(
                (output / f"trials/{int(line['trial']):04d}/result.json").read_text()
            )
            rows[point, int(line["seed"])] = evaluations(task, result["curve"])
    return rows


def evaluations(task: Task, curve: Sequence[tuple[int, float]]) -> list[float]:
    """The metric after each evaluation, chance where there was none."""
    metrics = [1.0 / task.classes] * task.evaluations
    for epoch, metric in curve:
        metrics[epoch // task.interval - 1] = metric
    return metrics


def record(task: Task, seeds: Sequence[int], *, better_half: bool, work: Path) -> Rows:
    """Train what is missing; the files are written after every learning rate."""
    path = TABLES / task.name / "rows.csv.gz"
    rows = read_rows(path, task)
    rates = next(iter(task.dimensions.values()))
    if better_half:
        rates = better_rates(task, rows)
    for seed, rate in product(seeds, rates):
        if all((point, seed) in rows for point in task.points if point[0] == rate):
            continue
        rows.update(train_slice(task, rate, seed, work))
        write_rows(path, task, rows, {number for _, number in rows})
        whole = whole_seeds(task, rows)
        if whole:
            write_rows(TABLES / f"{task.name}.csv.gz", task, rows, whole)
    return rows


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    made.add_argument("task", help="a folder of benchmarks/tables")
    made.add_argument("--seeds", nargs="+", action="extend", type=int,
                      help="default: 0 and 1")
    made.add_argument(
        "--better-half",
        action="store_true",
        help="only the half of the learning rates that did best with the seeds that are whole",
    )
    made.add_argument(
        "--work",
        type=Path,
        default=Path("output/record"),
        help="for trials (default: %(default)s)",
    )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = parser().parse_args(arguments)
    task = load_task(chosen.task, TABLES)
    rows = record(task, chosen.seeds or [0, 1], better_half=chosen.better_half, work=chosen.work)
    counts = dict(sorted(Counter(seed for _, seed in rows).items()))
    print(f"{task.name}: trainings by seed {counts}, grid of {len(task.points)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
