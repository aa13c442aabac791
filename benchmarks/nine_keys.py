"""Nine hyperparameters in 20 trainings against four, live.

    python tools/benchmark.py nine_keys TASK...

For each task of ``benchmarks/tables`` and each seed two searches of 20 trainings run, with the four
published hyperparameters and with five more; then the point that each names is trained with two
seeds that no search has seen (``--fresh``): what a search has seen of its winner is too good. The
same command goes on where it was. The data of a task is made as its ``data.txt`` says.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy

from paddle_transfer.cli.parser import OptionParser
from paddle_transfer.config.load import dump_yaml, load_yaml
from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.public import load_search
from paddle_transfer.result import SearchResult

TABLES = Path(__file__).parent / "tables"
TRAININGS = 20
#: The first seed that no search has seen.
FRESH = 1000
FOUR = ("lr", "l2_decay", "label_smoothing", "mixup")
#: What nine keys have beside the four; the first value is the fixed point's.
MORE: dict[str, list[Any]] = {
    "cutmix": [False, True], "autoaugment": [False, True], "randaugment": [False, True],
    "cutout": [False, True], "dropout": [0, 0.2]}
FIXED = {"lr": 0.003, "l2_decay": 1e-4, "label_smoothing": False, "mixup": False}


def search_file(task: str, keys: int, seed: int, output: Path) -> dict[str, Any]:
    """The search file of one search."""
    made = load_yaml(str(TABLES / task / "search.yaml"))
    more = MORE if keys > len(FOUR) else {}
    return {"base_config_file": made["base_config_file"], "output_dir": str(output),
            "search_mode": "bayes", "max_iter": TRAININGS, "confirm": "none", "seed": seed,
            "metric": "top1", "keep_models": 0, "reports": ["terminal"],
            "fixed": {**FIXED, **{name: values[0] for name, values in more.items()}},
            "search_dict": [*made["search_dict"], *(
                {"search_key": name, "search_values": values} for name, values in more.items())]}


def fresh_file(search: dict[str, Any], point: dict[str, Any], seed: int, count: int,
               output: Path) -> dict[str, Any]:
    """The search file that trains ``point`` alone, with ``count`` seeds from ``seed`` on."""
    return {**{key: search[key] for key in ("base_config_file", "metric", "keep_models",
                                            "reports")},
            "output_dir": str(output), "search_mode": "grid", "fixed": None, "seed": seed,
            "search_times": count, "search_dict": [
                {"search_key": name, "search_values": [value]} for name, value in point.items()]}


def run(search: dict[str, Any]) -> SearchResult:
    """The finished search of a search file, found again when it was finished before."""
    output = Path(search["output_dir"])
    output.mkdir(parents=True, exist_ok=True)
    file = output.with_suffix(".yaml")
    dump_yaml(search, str(file))
    subprocess.run([sys.executable, "tools/search.py", "-c", str(file), "--no-data-check"],
                   check=True, stdout=subprocess.DEVNULL)
    return load_search(str(output))


def compare(task: str, keys: int, seed: int, *, fresh: int, root: Path) -> dict[str, Any]:
    """One row: the point that the search names, what it has seen of it, and the fresh seeds."""
    output = root / task / f"{keys}_keys_seed{seed}"
    search = search_file(task, keys, seed, output)
    found = run(search)
    if found.best_point is None:
        raise PaddleTransferError(f"{output}: no training of this search was completed")
    point = dict(found.best_point)
    again = run(fresh_file(search, point, FRESH, fresh, output.with_name(f"{output.name}_fresh")))
    values = [trial.value for trial in again.trials]
    told = {name: point.get(name, "") for name in (*FOUR, *MORE)}
    return {"task": task, "keys": keys, "seed": seed, "seen": found.best_value,
            "fresh": float(numpy.mean([value or 0.0 for value in values])), **told}


def main(arguments: Sequence[str]) -> int:
    """The command."""
    parser = OptionParser(prog="benchmark.py nine_keys",
                          description="nine hyperparameters in 20 trainings against four")
    parser.add_argument("task", nargs="+")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--fresh", type=int, default=2, help="new seeds for each named point")
    parser.add_argument("--output", type=Path, default=Path("output/nine_keys"))
    given = parser.parse_args(arguments)
    rows = []
    for seed in given.seeds:
        for task in given.task:
            for keys in (len(FOUR), len(FOUR) + len(MORE)):
                rows.append(compare(task, keys, seed, fresh=given.fresh, root=given.output))
                print(", ".join(f"{name} {value}" for name, value in rows[-1].items()), flush=True)
                with open(given.output / "nine_keys.csv", "w", newline="") as file:
                    writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
                    writer.writeheader()
                    writer.writerows(rows)
    return 0
