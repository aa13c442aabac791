"""What a greedy soup gains over the best single trial of the same search, on pictures held out.

``python tools/benchmark.py soup --source DIR --weights FILE --output DIR``: for each task of
``benchmarks/tables`` and each seed one search with ``final: {soup: greedy}``: three learning rates
around the best recorded ones, with and without label smoothing, from ImageNet weights. The seed
draws the split of the pictures, too. Tasks whose set has no test list get one, which the search
does not see. A second call goes on where the first one stopped.
"""

from __future__ import annotations

import json
import math
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from benchmarks import real_data
from paddle_transfer import dotpath
from paddle_transfer.cli.parser import OptionParser
from paddle_transfer.config.load import dump_yaml, load_yaml
from paddle_transfer.errors import PaddleTransferError

ROOT = Path(__file__).resolve().parent.parent
TABLES = ROOT / "benchmarks" / "tables"
TASKS = tuple(f"squeezenet_{name}" for name in (
    "tuxpaint", "tuxpaint_grey", "openclipart", "fashion", "fashion_noisy", "digits"))
#: Test pictures of a class, of the sets whose recorded split has none.
TEST = {"tuxpaint": 8, "openclipart": 30}
SPACE = [{"search_key": "lr", "search_values": [0.003, 0.0015, 0.001]},
         {"search_key": "label_smoothing", "search_values": [False, True]}]


@dataclass(frozen=True)
class Outcome:
    """One search: top-1 of the best single trial and of what was handed back, on both lists."""

    task: str
    seed: int
    val_single: float
    val: float
    test_single: float
    test: float
    members: int
    candidates: int
    images: int
    seconds: float

    @property
    def gain(self) -> float:
        """On the test list, in points."""
        return 100 * (self.test - self.test_single)


def write_data(task: str, source: Path, output: Path, seed: int) -> None:
    """The pictures of ``task`` as ``data.txt`` makes them, with a test list, split by ``seed``."""
    if (output / "label_list.txt").exists():
        return
    line = (TABLES / task / "data.txt").read_text(encoding="utf-8")
    arguments = [*shlex.split(line)[2:], "--source", str(source), "--output", str(output),
                 "--seed", str(seed)]
    own = TEST.get(arguments[0])
    real_data.main([*arguments, *(["--test-per-class", str(own)] if own else [])])


def base_config(task: str, data: Path, weights: Path) -> dict[str, Any]:
    """The recorded config of ``task`` with the lists of ``data``."""
    config: dict[str, Any] = load_yaml(str(TABLES / task / "target.yaml"))
    config["Global"]["pretrained_model"] = str(weights.resolve().with_suffix(""))
    loaders = config["DataLoader"]
    loaders["Test"] = dotpath.clone(loaders["Eval"])
    for section, part in (("Train", "train"), ("Eval", "val"), ("Test", "test")):
        loaders[section]["dataset"].update(image_root=str(data),
                                           cls_label_path=str(data / f"{part}_list.txt"))
    return config


def search(task: str, seed: int, *, source: Path, weights: Path, output: Path) -> Outcome:
    """One whole search in a process of its own. Raises PaddleTransferError when it fails."""
    place = output / f"{task}_{seed}"
    place.mkdir(parents=True, exist_ok=True)
    write_data(task, source, place / "data", seed)
    dump_yaml(base_config(task, place / "data", weights), str(place / "base.yaml"))
    points = math.prod(len(item["search_values"]) for item in SPACE)
    dump_yaml({"base_config_file": str(place / "base.yaml"), "output_dir": str(place / "out"),
               "workers": 1, "search_mode": "grid", "seed": seed, "metric": "top1",
               "keep_models": points, "final": {"soup": "greedy"}, "search_dict": SPACE},
              str(place / "search.yaml"))
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "search.py"), "-c", str(place / "search.yaml"),
         "--no-data-check"],  # openclipart shows a few drawings under two labels
        text=True, capture_output=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"})
    seconds = time.perf_counter() - began
    if done.returncode:
        raise PaddleTransferError(f"the search of {task}, seed {seed}, failed:\n"
                                  f"{done.stderr[-2000:]}")
    told = json.loads((place / "out" / "search_results.json").read_text())["soup"]
    single, test = told["single"]["value"], told["test"]
    accepted = told["accepted"]
    return Outcome(task, seed, single, told["value"] if accepted else single, test["single"],
                   test["soup"] if accepted else test["single"],
                   len(told["trials"]) if accepted else 1, len(told["steps"]), test["images"],
                   seconds)


def report(outcomes: Sequence[Outcome]) -> list[str]:
    """A table in Markdown, and the mean gain over tasks with its standard error."""
    lines = ["| task | seed | validation: single | handed back | test images | test: single | "
             "handed back | members of candidates | gain |", "|---" * 9 + "|"]
    lines += [f"| {one.task} | {one.seed} | {one.val_single:.4f} | {one.val:.4f} | {one.images} | "
              f"{one.test_single:.4f} | {one.test:.4f} | {one.members} of {one.candidates} | "
              f"{one.gain:+.2f} |" for one in outcomes]
    tasks = dict.fromkeys(one.task for one in outcomes)
    gains = [mean(one.gain for one in outcomes if one.task == task) for task in tasks]
    error = stdev(gains) / math.sqrt(len(gains)) if len(gains) > 1 else math.nan
    return [*lines, "", f"Gain on the test lists, mean over {len(gains)} tasks: {mean(gains):+.2f} "
            f"± {error:.2f} points (standard error over tasks); soups accepted: "
            f"{sum(one.members > 1 for one in outcomes)} of {len(outcomes)}."]


def main(argv: Sequence[str] | None = None) -> int:
    parser = OptionParser(prog="benchmark.py soup", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--task", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--source", type=Path, required=True, metavar="DIR",
                        help="where the Debian packages of the pictures were unpacked")
    parser.add_argument("--weights", type=Path, required=True, metavar="FILE",
                        help="SqueezeNet1_1 as .pdparams")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR",
                        help="keeps data and searches")
    parser.add_argument("--seeds", type=int, default=2, help="searches a task (default: 2)")
    arguments = parser.parse_args(argv)
    outcomes = []
    for seed in range(arguments.seeds):
        for task in arguments.task:
            outcomes.append(search(task, seed, source=arguments.source, weights=arguments.weights,
                                   output=arguments.output.resolve()))
            print(outcomes[-1], file=sys.stderr, flush=True)
    print("\n".join(report(outcomes)))
    return 0
