"""Reads mutated files of every kind. Of any length: ``python -m tests.helpers.fuzz_text SECONDS``.

Reading ends in a result, or in a PaddleTransferError whose text names the file, is of bounded
length and printable. Every case has a number, which is its seed: ``... fuzz_text search 17``.
"""

from __future__ import annotations

import copy
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paddle_transfer.checks.checker import check_config
from paddle_transfer.checks.findings import Report
from paddle_transfer.checks.label_list import read_label_list
from paddle_transfer.checks.listfile import read_list
from paddle_transfer.config.load import apply_overrides, dump_yaml, load_yaml
from paddle_transfer.config.shape import require_shape
from paddle_transfer.datasets.base import PrepareOptions
from paddle_transfer.datasets.csv_table import read as read_csv
from paddle_transfer.errors import LINE, LINES, PaddleTransferError, one_line
from paddle_transfer.public import load_settings
from paddle_transfer.report.preview import preview
from paddle_transfer.result import load_search
from paddle_transfer.samplers.tables import load_table
from tests.helpers.configs import base_config
from tests.helpers.mutations import cut, mutated

LR = {"search_key": "lr", "search_values": [0.1, 0.01]}
BATCH = {"search_key": "n", "replace_config": ["DataLoader.Train.sampler.batch_size"],
         "search_range": [8, 16], "integer": True}
WARMUP = {"search_key": "c", "replace_config": ["Optimizer.lr.warmup_epoch"],
          "search_values": [0, 1], "when": {"lr": [0.01]}}
#: What the funnel of input says of mistakes that no rule names: errors all the same, and worth one.
UNFORESEEN = ": cannot be read; found "

#: Valid search files.
SEARCHES: tuple[dict[str, Any], ...] = (
    {"search_mode": "grid", "search_dict": [LR, {"search_key": "mixup"}], "gpus": None},
    {"search_mode": "bayes", "max_iter": 5, "seed": 3, "metric": "top1", "search_times": 2,
     "confirm": 3, "workers": 2, "stop": "auto", "pruner": "auto", "prior": "none",
     "trial_timeout": 3.5, "checkpoint_every": "none", "time_budget": 1, "epoch_budget": 100,
     "fixed": {"lr": 0.1, "n": 8, "c": 0}, "search_dict": [LR, BATCH, WARMUP]},
    {"sampler": {"name": "TPESampler", "n_startup_trials": 3}, "final": {"retrain_on": "train+val"},
     "pruner": {"name": "MedianPruner"}, "reports": ["terminal"], "executor": "local",
     "warm_start": ["table.csv"],
     "search_dict": [LR, {"search_key": "randaugment"}, {"search_key": "randaugment_magnitude"}]},
    {"search_mode": "greedy", "search_dict": [{**LR, "replace_config": [
        "Optimizer.lr.learning_rate"]}, {"search_key": "l2", "replace_config": [
            "Optimizer.regularizer.coeff"], "search_values": [1e-3, 1e-4]}]})
TABLE = "lr,mixup,seed,epoch,top1\n" + "".join(
    f"{lr},{mixup},{seed},{epoch},0.{epoch}5\n" for lr in (0.1, 0.01) for mixup in (True, False)
    for seed in (0, 1) for epoch in (1, 2))
LIST = "".join(f"images/{i}.jpg {i % 5}\n" for i in range(8))
NAMES = "".join(f"{i} class {i}\n" for i in range(5))
LABELS = "image,label,split\n" + "".join(f"{i}.jpg,c{i % 3},train\n" for i in range(9))
OPTIONS = ("max_iter=3", "lr=[", "Global.epochs=a", "Arch=null", "Global=[]", "Optimizer..lr=1",
           "search_dict.0.search_values=[1,1]", "search_dict.0={}", "Optimizer.lr=*x", "=",
           "Metric.Eval.0.TopkAcc.topk=[-1,a,null]", "DataLoader.Train.sampler=!!int q",
           "output_dir=" + "x" * 300, "output_dir='a\0'", "a." * 5000 + "b=1", "x\x1b[31m=1")


def whole_config() -> dict[str, Any]:
    """A training config of the current folder with all sections that are read."""
    config = base_config()
    config["DataLoader"]["Test"] = copy.deepcopy(config["DataLoader"]["Eval"])
    config["Transfer"] = {"pretrained": "none", "head": "keep"}
    config["Infer"] = {"infer_imgs": "x", "transforms": [], "PostProcess": {
        "name": "Topk", "topk": 5, "class_id_map_file": "label_list.txt"}}
    return config


def search(rng: random.Random) -> set[str]:
    """A search file, its base config and overrides, up to all that a dry run prints."""
    content, base = copy.deepcopy(rng.choice(SEARCHES)), whole_config()
    content.update(base_config_file="base.yaml", output_dir="out")
    which = rng.random()
    content = mutated(content, rng) if which < 0.5 or which > 0.9 else content
    base = mutated(base, rng) if which >= 0.5 else base
    options = rng.sample(OPTIONS, rng.choice((0, 0, 0, 1)))
    if rng.random() < 0.3 and isinstance(content, dict):
        content = {**content, "base_config_file": base}
        settings = load_settings(content, options, dry_run=True)
    else:
        _write("base.yaml", base, rng)
        _write("search.yaml", content, rng)
        settings = load_settings("search.yaml", options, dry_run=True)
    json.dumps([settings.identity(), settings.to_dict()])
    preview(settings)
    return set()


def _write(file: str, data: Any, rng: random.Random) -> None:
    try:
        dump_yaml(data, file)
    except (AttributeError, UnicodeError):  # it is no mapping any more
        Path(file).write_text("[]")
    if rng.random() < 0.15:
        Path(file).write_bytes(cut(Path(file).read_bytes(), rng))


def data(rng: random.Random) -> set[str]:
    """A training config, its lists and names of classes, through the check of data."""
    Path("train_list.txt").write_bytes(cut(LIST.encode(), rng))
    Path("label_list.txt").write_bytes(cut(NAMES.encode(), rng))
    dump_yaml(mutated(whole_config(), rng), "config.yaml")
    config = apply_overrides(load_yaml("config.yaml"), ())
    require_shape(config, "config.yaml")
    check_config(config, file="config.yaml", processes=1, cache_folder=Path("cache")).text()
    return set()


def lists(rng: random.Random) -> None:
    """A list and names of classes by themselves: whatever they hold, there is a result."""
    for name, text in (("list.txt", LIST), ("names.txt", NAMES)):
        Path(name).write_bytes(cut(cut(text.encode(), rng), rng))
    report = Report()
    read_list("list.txt", delimiter=rng.choice((" ", "\t", "::")), report=report)
    report.text()
    read_label_list("names.txt")


def table(rng: random.Random) -> None:
    """A recorded table."""
    Path("bad.csv").write_bytes(cut(TABLE.encode(), rng))
    load_table("bad.csv")


def csv(rng: random.Random) -> None:
    """A table of images."""
    Path("labels.csv").write_bytes(cut(LABELS.encode(), rng))
    read_csv(Path(), PrepareOptions())


def saved(rng: random.Random) -> None:
    """What a search left in its folder."""
    content = {**copy.deepcopy(SEARCHES[1]), "output_dir": "saved"}
    for item in content["search_dict"]:
        item.setdefault("log", False)
    os.makedirs("saved", exist_ok=True)
    _write("saved/search.yaml", mutated(content, rng), rng)
    load_search("saved")


#: Reader -> the files, one of which an error names.
READERS: dict[str, tuple[Callable[[random.Random], Any], tuple[str, ...]]] = {
    "search": (search, ("search", "base", "command line", "overrides", "table.csv")),
    "data": (data, ("config.yaml",)), "lists": (lists, ()), "table": (table, ("bad.csv",)),
    "csv": (csv, ("labels.csv",)), "saved": (saved, ("saved",))}


def read(name: str, number: int) -> bool:
    """Read case ``number`` of a reader in the current folder; whether there was a result.

    Raises AssertionError, or what the reader lets through.
    """
    for file, text in (("train_list.txt", LIST), ("val_list.txt", LIST), ("test_list.txt", LIST),
                       ("label_list.txt", NAMES), ("table.csv", TABLE)):
        Path(file).write_text(text)
    reader, files = READERS[name]
    try:
        reader(random.Random(number))
    except PaddleTransferError as error:
        text = str(error)
        lines = text.split("\n")
        assert any(file in text for file in files), f"no file is named: {text}"
        assert all(line.isprintable() or line.replace("\t", "").isprintable() for line in lines)
        assert max(map(len, lines)) <= LINE
        assert len(lines) <= LINES
        if UNFORESEEN in text:
            print(f"{name} {number}: no rule foresaw: {one_line(text)}")
        return False
    return True


def main() -> int:
    os.chdir(tempfile.mkdtemp())
    if len(sys.argv) > 2:
        print(read(sys.argv[1], int(sys.argv[2])))
        return 0
    end, number, failed, results = time.monotonic() + float(sys.argv[1]), 10_000, 0, 0
    while time.monotonic() < end:
        number += 1
        for name in READERS:
            try:
                results += read(name, number)
            except Exception as error:
                failed += 1
                print(f"{name} {number}: {type(error).__name__}: {error}"[:500], flush=True)
    print(f"{number - 10_000} cases of {len(READERS)} readers, {results} with a result, "
          f"{failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
