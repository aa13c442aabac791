"""A sweep of learning rates: what is trained, what is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from benchmarks import rate_sweep
from paddle_transfer.errors import PaddleTransferError

RATES = [0.1, 0.001]


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seeds that were trained, of a task with two rates."""
    folder = tmp_path / "small"
    folder.mkdir()
    items = [{"search_key": "l2_decay", "search_values": [1e-4, 1e-5]},
             {"search_key": "lr", "search_values": RATES}]
    (folder / "search.yaml").write_text(yaml.safe_dump({"search_dict": items}))
    (folder / "target.yaml").write_text(yaml.safe_dump(
        {"Global": {"epochs": 4, "eval_interval": 2}, "Arch": {"class_num": 5}}))
    monkeypatch.setattr(rate_sweep, "TABLES", tmp_path)
    seeds: list[int] = []

    def train(task, seed, _work, _runner):
        seeds.append(seed)
        return {(rate, seed): rate + seed / 4 for rate in task.dimensions["lr"]}

    monkeypatch.setattr(rate_sweep, "train", train)
    return seeds


def test_nothing_is_trained_twice(tmp_path, trained):
    rate_sweep.main(["small", "--seeds", "1"])
    rate_sweep.main(["small", "--seeds", "0", "1"])
    assert trained == [1, 0]
    file = tmp_path / "small" / "rates.csv"
    assert file.read_text().splitlines() == [
        "lr,seed,top1", "0.001,0,0.001", "0.001,1,0.251", "0.1,0,0.1", "0.1,1,0.35"]
    assert rate_sweep.read_sweep(file)[0.1, 1] == 0.35


def test_a_task_that_is_not_there(trained):
    with pytest.raises(PaddleTransferError, match="Did you mean 'small'"):
        rate_sweep.main(["smal"])
    assert trained == []
