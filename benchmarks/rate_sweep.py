"""Train a task once at every learning rate of its grid, all else as its config has it.

    python tools/benchmark.py rate_sweep squeezenet_digits --seeds 0

A recorded table says which rate is best for the best of all other settings; this says it for those
of the fixed point, in 7 trainings instead of 196: for tasks whose table is not recorded. They go to
``benchmarks/tables/TASK/rates.csv``; those that are there are not trained again.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.record_table import Task, load_task, read_search
from paddle_transfer.api import run_search
from paddle_transfer.cli.parser import OptionParser
from paddle_transfer.config.load import write_atomic
from paddle_transfer.errors import PaddleTransferError, did_you_mean
from paddle_transfer.settings.search_file import load_search_file

TABLES = Path("benchmarks/tables")
RUNNER = "benchmarks.fast_bias:run"

#: (rate, seed) -> top1 after the last epoch.
Sweep = dict[tuple[float, int], float]


def read_sweep(file: Path) -> Sweep:
    """What was trained; empty without a file."""
    if not file.exists():
        return {}
    with file.open(newline="") as stream:
        return {(float(row["lr"]), int(row["seed"])): float(row["top1"])
                for row in csv.DictReader(stream)}


def write_sweep(file: Path, sweep: Sweep) -> None:
    """A line a training, by rate, then seed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["lr", "seed", "top1"])
    writer.writerows([rate, seed, f"{sweep[rate, seed]:.6g}"] for rate, seed in sorted(sweep))
    write_atomic(file, text.getvalue())


def train(task: Task, seed: int, work: Path, runner: str) -> Sweep:
    """All rates of ``task`` with one seed; goes on where it was cut off."""
    output = work / task.name / f"rates_seed{seed}"
    space = [{"search_key": "lr", "search_values": list(task.dimensions["lr"])}]
    settings = load_search_file(str(TABLES / task.name / "search.yaml"), [
        f"seed={seed}", "search_times=1", f"output_dir={output}",
        f"search_dict={json.dumps(space)}"])
    code = run_search(settings, runner=runner)
    if code:
        raise SystemExit(code)
    rows = read_search(replace(task, dimensions={"lr": task.dimensions["lr"]}), output)
    return {(float(point[0]), seed): curve[-1] for (point, _), curve in rows.items()}


def main(argv: Sequence[str] | None = None) -> int:
    parser = OptionParser(prog="benchmark.py rate_sweep",
                          description=(__doc__ or "").split("\n")[0])
    parser.add_argument("task", nargs="+", help="folders of benchmarks/tables")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="default: 0")
    parser.add_argument("--work", type=Path, default=Path("output/record"),
                        help="for trainings (default: %(default)s)")
    parser.add_argument("--runner", default=RUNNER, metavar="MODULE:FUNCTION",
                        help="what trains (default: %(default)s)")
    arguments = parser.parse_args(argv)
    there = sorted(path.parent.name for path in TABLES.glob("*/target.yaml"))
    for name in arguments.task:
        if name not in there:
            raise PaddleTransferError(f"rate_sweep: there is no {TABLES / name}/target.yaml. "
                                      f"{did_you_mean(name, there)}")
    for name in arguments.task:
        file, task = TABLES / name / "rates.csv", load_task(name, TABLES)
        sweep = read_sweep(file)
        for seed in arguments.seeds:
            if any((rate, seed) not in sweep for rate in task.dimensions["lr"]):
                sweep.update(train(task, seed, arguments.work, arguments.runner))
                write_sweep(file, sweep)
        print(file, {rate: round(top1, 4) for (rate, _), top1 in sorted(sweep.items())})
    return 0


if __name__ == "__main__":
    sys.exit(main())
