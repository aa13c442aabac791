"""Recorded tables: reading, what counts as within reach, mistakes."""

from __future__ import annotations

import gzip

import numpy
import pytest

from benchmarks.synthetic import synthetic_table
from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.samplers.tables import Table, load_table, save_table
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.space import Space


def tiny(values, space=None) -> Table:
    """A table of one hyperparameter; ``values[point][seed]`` at the only epoch."""
    curves = numpy.array(values, dtype=float)[:, :, None]
    return Table("tiny", space or Space((Choice("lr", tuple(range(1, len(values) + 1))),)), curves)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_a_saved_table_comes_back(tmp_path, name):
    table = synthetic_table(3)
    save_table(table, tmp_path / name, comments=["made by a test"])
    back = load_table(tmp_path / name)
    assert back.name == "t"
    assert back.space == table.space
    assert numpy.allclose(back.curves, table.curves, atol=1e-6)
    if name.endswith("gz"):
        with gzip.open(tmp_path / name, "rt") as file:
            assert file.readline() == "# made by a test\n"


def test_rows_may_come_in_any_order_and_lr_and_l2_are_logarithmic(tmp_path):
    table = synthetic_table(0)
    save_table(table, tmp_path / "t.csv")
    head, *rows = (tmp_path / "t.csv").read_text().splitlines()
    (tmp_path / "t.csv").write_text("\n".join([head, *rows[::-1]]))
    back = load_table(tmp_path / "t.csv")
    point = {"lr": 0.01, "l2_decay": 1e-5, "label_smoothing": True, "mixup": False}
    assert back.curve(point, 1) == pytest.approx(numpy.array(table.curve(point, 1)))
    assert back.space["lr"].log
    assert back.space["l2_decay"].log
    assert back.space["mixup"].values in ((True, False), (False, True))


def test_truth_regret_and_reach_follow_the_definition():
    # Seed means 0.5 and 0.6; 20 points, so the top tenth are two: 0.90/0.98 and 0.89/0.99.
    values = [[0.90, 0.98], [0.89, 0.99]] + [[0.3, 0.4]] * 18
    table = tiny(values)
    assert table.truth[:3] == pytest.approx([0.94, 0.94, 0.35])
    assert table.regrets[2] == pytest.approx(0.59)
    means = numpy.array(values).mean(axis=0)
    variances = [numpy.var(numpy.array(row) - means, ddof=1) for row in values[:2]]
    assert table.noise == pytest.approx(numpy.sqrt(numpy.mean(variances) / 2))
    assert list(numpy.flatnonzero(table.within_reach)) == [0, 1]


def test_one_seed_has_no_noise_and_reach_is_four_thousandths():
    table = tiny([[0.9], [0.8961], [0.8959]])
    assert table.noise == 0.0
    assert list(table.within_reach) == [True, True, False]


@pytest.mark.parametrize(("text", "message"), [
    ("", "found an empty file"),
    ("lr,epoch,top1\n0.1,1,0.5\n", "columns <hyperparameters>, seed, epoch"),
    ("lr,seed,epoch,top1\n0.1,0,1,much\n", "line 2 is not a row"),
    ("lr,wd,seed,epoch,top1\n0.1,1,0,1,0.5\n0.2,2,0,1,0.5\n", "2 points, the columns make 4"),
    ("lr,seed,epoch,top1\n0.1,0,1,0.5\n0.1,0,2,0.5\n0.2,0,1,0.5\n",
     "an epoch of {'lr': 0.2} is missing"),
])
def test_what_is_no_full_grid_is_refused(tmp_path, text, message):
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(PaddleTransferError, match=message):
        load_table(tmp_path / "bad.csv")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(PaddleTransferError, match=r"none.csv: cannot be read"):
        load_table(tmp_path / "none.csv")
