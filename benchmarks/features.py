"""How long a search of classifiers on features takes, beside trainings of the whole network.

``python tools/benchmark.py features --source DIR --weights FILE``: 196 points of the strategy
feature_extraction (98 strengths of two classifiers), from an empty cache, and five trainings of the
strategy full, both as searches by the command line: whole times, with the start of Python, the
features, all result files. The pictures are the 333 photographs of tuxpaint at 64 px
(``real_data``), the network is SqueezeNet1_1.
"""

from __future__ import annotations

import csv
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.real_data import Sizes, draw_samples, read_set, write_set
from paddle_transfer.cli.parser import OptionParser
from paddle_transfer.config.load import dump_yaml, load_yaml
from paddle_transfer.errors import PaddleTransferError

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "benchmarks" / "tables" / "squeezenet_tuxpaint" / "target.yaml"
SIZE, PER_CLASS = 64, 20
RATES = [0.01, 0.003, 0.001, 0.0003, 0.0001]
#: 98 values from 1e-5 to 10.
STRENGTHS = [float(f"{10**(-5 + 6 * i / 97):.6g}") for i in range(98)]

FULL = {"strategy": "full", "search_dict": [{"search_key": "lr", "search_values": RATES}]}
EXTRACTION = {"strategy": "feature_extraction", "search_dict": [
    {"search_key": "classifier", "search_values": ["logistic_regression", "linear_svm"]},
    {"search_key": "strength", "search_values": STRENGTHS}]}


def base_config(folder: Path, weights: Path, *, epochs: int, strategy: str) -> dict[str, Any]:
    """The recorded config of the set, with the lists of ``folder``."""
    config: dict[str, Any] = load_yaml(str(CONFIG))
    config["Global"].update(pretrained_model=str(weights.resolve().with_suffix("")), epochs=epochs,
                            eval_interval=epochs)
    config["Arch"]["class_num"] = len((folder / "label_list.txt").read_text().splitlines())
    for section, part in (("Train", "train"), ("Eval", "val")):
        config["DataLoader"][section]["dataset"].update(
            image_root=str(folder), cls_label_path=str(folder / f"{part}_list.txt"))
    return {**config, "Transfer": {"strategy": strategy}}


def search(place: Path, data: Path, weights: Path, *, strategy: str, epochs: int,
           search_dict: list[dict[str, Any]], seed: int = 0) -> dict[str, Any]:
    """One whole search in a process of its own: its ``seconds``, ``trials`` and ``best`` top1."""
    place.mkdir()
    base, file = place / "base.yaml", place / "search.yaml"
    dump_yaml(base_config(data, weights, epochs=epochs, strategy=strategy), str(base))
    dump_yaml({"base_config_file": str(base), "output_dir": str(place / "out"), "workers": 1,
               "search_mode": "grid", "search_times": 1, "seed": seed, "metric": "top1",
               "search_dict": search_dict}, str(file))
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "search.py"), "-c", str(file)], text=True,
        capture_output=True, check=False,
        env={**os.environ, "PADDLE_TRANSFER_HOME": str(place / "home"), "OMP_NUM_THREADS": "1"})
    seconds = time.perf_counter() - began
    if done.returncode:
        raise PaddleTransferError(f"the search of {strategy} failed:\n{done.stderr[-2000:]}")
    with open(place / "out" / "search_results.csv", encoding="utf-8", newline="") as stream:
        values = [float(row["top1"]) for row in csv.DictReader(stream) if row["top1"]]
    points = math.prod(len(item["search_values"]) for item in search_dict)
    if len(values) != points:
        raise PaddleTransferError(f"{len(values)} of {points} trials of {strategy} have a result")
    return {"strategy": strategy, "trials": points, "seconds": seconds, "best": max(values)}


def main(argv: Sequence[str] | None = None) -> int:
    parser = OptionParser(prog="benchmark.py features", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--source", type=Path, required=True, metavar="DIR",
                        help="where the Debian package tuxpaint-stamps-default was unpacked")
    parser.add_argument("--weights", type=Path, required=True, metavar="FILE",
                        help="SqueezeNet1_1 as .pdparams")
    parser.add_argument("--epochs", type=int, default=10,
                        help="of a training of the whole network (default: %(default)s)")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        write_set(draw_samples(read_set("tuxpaint", arguments.source), Sizes(PER_CLASS, None, 0),
                               size=SIZE, seed=0, photographs=True),
                  root / "data", shift="none", seed=0)
        images = {part: len((root / "data" / f"{part}_list.txt").read_text().splitlines())
                  for part in ("train", "val")}
        found = [search(root / str(one["strategy"]), root / "data", arguments.weights,
                        epochs=arguments.epochs, **one) for one in (EXTRACTION, FULL)]
    ratio = found[0]["seconds"] / found[1]["seconds"]
    if arguments.json:
        print(json.dumps({"images": images, "epochs": arguments.epochs, "searches": found,
                          "ratio": ratio}))
        return 0
    print(f"{images['train']} training and {images['val']} validation photographs of {SIZE} px")
    for one in found:
        print(f"{one['strategy']}: {one['trials']} trials in {one['seconds']:.1f} s, best top1 "
              f"{one['best']:.4f}")
    print(f"{found[0]['trials']} trials of feature_extraction take {ratio:.2f} times as long as "
          f"{found[1]['trials']} trainings of {arguments.epochs} epochs")
    return 0
