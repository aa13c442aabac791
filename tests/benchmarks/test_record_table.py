"""Recording a table slice by slice: what is missing, what is kept, what the files hold."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml


def _load() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "record_table.py"
    spec = importlib.util.spec_from_file_location("record_table", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["record_table"] = module
    spec.loader.exec_module(module)
    return module


record_table = _load()
RATES = [0.1, 0.01, 0.001, 3e-05]


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A task of four rates, with and without mixup, evaluated after epochs 2 and 4."""
    folder = tmp_path / "tables"
    (folder / "small").mkdir(parents=True)
    items = {"lr": RATES, "mixup": [False, True]}
    search = {"search_dict": [{"search_key": k, "search_values": v} for k, v in items.items()]}
    target = {"Global": {"epochs": 4, "eval_interval": 2}, "Arch": {"class_num": 5}}
    (folder / "small/search.yaml").write_text(yaml.safe_dump(search))
    (folder / "small/target.yaml").write_text(yaml.safe_dump(target))
    monkeypatch.setattr(record_table, "TABLES", folder)
    return folder


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, int]]:
    """The slices that were trained; a point is better the nearer its rate is to 0.01."""
    calls: list[tuple[float, int]] = []

    def train(task: Any, rate: float, seed: int, _work: Path) -> object:
        calls.append((rate, seed))
        quality = {0.1: 0.2, 0.01: 0.8, 0.001: 0.6, 3e-05: 0.3}[rate]
        points = [point for point in task.points if point[0] == rate]
        return {(point, seed): [0.1, quality + 0.01 * seed] for point in points}

    monkeypatch.setattr(record_table, "train_slice", train)
    return calls


def record(_tables: Path, *options: str) -> None:
    assert record_table.main(["small", *options]) == 0


def test_rates_seed_by_seed(tables: Path, trained: list[tuple[float, int]]) -> None:
    record(tables, "--seeds", "0", "1")
    assert trained == [(rate, seed) for seed in (0, 1) for rate in RATES]


def test_nothing_is_trained_twice(tables: Path, trained: list[tuple[float, int]]) -> None:
    record(tables, "--seeds", "0")
    record(tables, "--seeds", "0", "1")
    assert trained == [(rate, seed) for seed in (0, 1) for rate in RATES]


def test_a_cut_off_recording_goes_on(
    tables: Path, trained: list[tuple[float, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    train = record_table.train_slice

    def cut_off(task: object, rate: float, seed: int, work: Path) -> object:
        if rate == 0.001:
            raise SystemExit(3)
        return train(task, rate, seed, work)

    monkeypatch.setattr(record_table, "train_slice", cut_off)
    with pytest.raises(SystemExit):
        record(tables, "--seeds", "0")
    assert not (tables / "small.csv.gz").exists()
    monkeypatch.setattr(record_table, "train_slice", train)
    record(tables, "--seeds", "0")
    assert trained == [(rate, 0) for rate in RATES]
    assert (tables / "small.csv.gz").exists()


def test_better_half(tables: Path, trained: list[tuple[float, int]]) -> None:
    record(tables, "--seeds", "0", "1")
    trained.clear()
    record(tables, "--seeds", "2", "--better-half")
    assert trained == [(0.01, 2), (0.001, 2)]
    task = record_table.load_task("small", tables)
    assert record_table.whole_seeds(
        task, record_table.read_rows(tables / "small.csv.gz", task)
    ) == [0, 1]


def test_rows_survive_the_file(tables: Path) -> None:
    task = record_table.load_task("small", tables)
    rows = {(point, seed): [0.25, 0.5] for point in task.points[:3] for seed in (0, 7)}
    path = tables / "small" / "rows.csv.gz"
    record_table.write_rows(path, task, rows, [7, 0])
    assert record_table.read_rows(path, task) == rows
    with gzip.open(path, "rt") as file:
        lines = [line for line in file if not line.startswith("#")]
    assert lines[:3] == [
        "lr,mixup,seed,epoch,top1\n",
        "0.1,False,0,1,0.25\n",
        "0.1,False,0,2,0.5\n",
    ]
    assert len(lines) == 1 + 3 * 2 * 2


def test_a_search_folder(tables: Path, tmp_path: Path) -> None:
    task = record_table.load_task("small", tables)
    output = tmp_path / "search"
    rows = [
        {"trial": 0, "state": "complete", "lr": "0.1", "mixup": "True", "seed": 1},
        {"trial": 1, "state": "diverged", "lr": "3e-05", "mixup": "False", "seed": 1},
        {"trial": 2, "state": "failed", "lr": "0.01", "mixup": "False", "seed": 1},
    ]
    curves = [[[2, 0.3], [4, 0.4]], [[2, 0.25]], []]
    for number, curve in enumerate(curves):
        folder = output / f"trials/{number:04d}"
        folder.mkdir(parents=True)
        (folder / "result.json").write_text(json.dumps({"curve": curve}))
    with (output / "search_results.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert record_table.read_search(task, output) == {
        ((0.1, True), 1): [0.3, 0.4],
        ((3e-05, False), 1): [0.25, 0.2],
    }


def test_the_command_of_a_slice(
    tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **_: bool) -> object:
        commands.append(command)
        return type("Done", (), {"returncode": 3})()

    monkeypatch.setattr(record_table.subprocess, "run", run)
    task = record_table.load_task("small", tables)
    with pytest.raises(SystemExit, match="3"):
        record_table.train_slice(task, 3e-05, 2, tmp_path)
    overrides = dict(item.split("=", 1) for item in commands[0] if "=" in item)
    assert overrides["seed"] == "2"
    assert json.loads(overrides["search_dict"]) == [
        {"search_key": "lr", "search_values": [3e-05]},
        {"search_key": "mixup", "search_values": [False, True]},
    ]
