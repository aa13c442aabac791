"""Tables recorded with the product: what a study becomes, and those that are kept in the
repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import record
from benchmarks.recorded import load_table
from paddle_transfer.config.load import load_yaml
from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.space import Space
from paddle_transfer.study.records import Proposal
from paddle_transfer.study.store import open_store

TABLES = Path(__file__).resolve().parents[2] / "benchmarks" / "tables"


def study(output, trials) -> None:
    """A finished study of ``(lr, seed, state, curve)`` trials."""
    store = open_store(output_dir=output, space=Space((Choice("lr", (0.1, 0.01), log=True),)))
    for number, (lr, seed, state, curve) in enumerate(trials):
        store.create(suggestion=number, proposal=Proposal({"lr": lr}), seed=seed)
        store.begin(number)
        for epoch, value in enumerate(curve, start=1):
            store.report_epoch(number, epoch=epoch, value=value)
        store.finish(number, state=state, value=max(curve) if state == "complete" else None,
                     curve=None, info={})
    store.close()


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(record, "SPACE", {"lr": [0.1, 0.01]})
    monkeypatch.setattr(record, "SEEDS", 2)


def test_a_study_becomes_a_table_and_a_divergence_stands_at_chance(tmp_path):
    study(tmp_path, [(0.1, 0, "complete", [0.3, 0.5]), (0.1, 1, "diverged", [0.4]),
                     (0.01, 0, "complete", [0.6, 0.7]), (0.01, 1, "complete", [0.6, 0.9])])
    table = record.collect(tmp_path, epochs=2, classes=5, name="made")
    assert table.curves.tolist() == [[[0.3, 0.5], [0.4, 0.2]], [[0.6, 0.7], [0.6, 0.9]]]
    assert table.truth == pytest.approx([0.35, 0.8])


def test_a_grid_with_holes_is_no_table(tmp_path):
    study(tmp_path, [(0.1, 0, "complete", [0.3]), (0.1, 1, "complete", [0.4]),
                     (0.01, 0, "complete", [0.6]), (0.01, 1, "failed", [])])
    with pytest.raises(PaddleTransferError,
                       match="1 trainings of the grid are missing; the same command goes on"):
        record.collect(tmp_path, epochs=1, classes=5, name="made")


def test_a_task_that_is_not_known_is_named(capsys):
    assert record.main(["digits_pplcnet_15"]) != 0
    assert "Did you mean 'digits_pplcnet_150'" in capsys.readouterr().err


def test_images_are_written_with_their_lists(tmp_path):
    part = record.Part("digits", (5, 6), 3, 2)
    record.write_images(part, tmp_path)
    train, val = ((tmp_path / f"{split}_list.txt").read_text().splitlines()
                  for split in ("train", "val"))
    assert [len(train), len(val)] == [6, 4]
    assert not set(train) & set(val)
    assert {line.split()[1] for line in train} == {"0", "1"}
    assert all((tmp_path / line.split()[0]).exists() for line in train + val)


@pytest.mark.parametrize("path", sorted(TABLES.glob("*.csv.gz")), ids=lambda path: path.name)
def test_what_is_kept_is_a_full_grid_with_the_configs_that_made_it(path):
    table = load_table(str(path))
    folder = TABLES / table.name
    target, search = load_yaml(str(folder / "target.yaml")), load_yaml(str(folder / "search.yaml"))
    real = (folder / "data.txt").exists()  # recorded from real weights by record_table
    evaluations = target["Global"]["epochs"] // target["Global"]["eval_interval"]
    assert (table.space.size, table.epochs) == (196, evaluations)
    assert table.seeds >= 2 if real else table.seeds == 3
    assert [key["search_key"] for key in search["search_dict"]] == list(table.space.names)
    assert search["search_mode"] == "grid"
    assert real or table.name in record.TASKS
    assert table.baseline() is not None
    assert 0.0 < table.truth.max() < 1.0
