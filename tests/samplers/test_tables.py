"""Recorded tables: reading and mistakes."""

from __future__ import annotations

import gzip

import numpy
import pytest

from benchmarks.recorded import load_table, save_table
from benchmarks.synthetic import synthetic_table
from paddle_transfer.errors import PaddleTransferError


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
