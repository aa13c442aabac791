"""Pictures of replays: what their curves are made of, and that they become files."""

from __future__ import annotations

import pytest
from PIL import Image

from benchmarks.plots import mean_regret, plot_file, plot_regrets
from benchmarks.replay import Run
from benchmarks.synthetic import synthetic_table
from paddle_transfer.errors import PaddleTransferError


def test_a_search_that_ended_keeps_its_last_regret():
    table = synthetic_table(1)
    best, other = int(table.truth.argmax()), 5
    runs = [Run([best], [best], [4]), Run([other, best], [other, best], [4, 8])]
    assert list(mean_regret(table, runs, 3)) == pytest.approx([50 * table.regrets[other], 0.0, 0.0])


def test_every_method_is_in_the_picture_of_its_table(tmp_path):
    pytest.importorskip("matplotlib")
    table = synthetic_table(1)
    runs = [Run([5, 7], [5, 5], [4, 8])]
    few = plot_regrets(table, {"one": runs}, str(tmp_path / "few"))
    many = plot_regrets(table, {"one": runs, "another": runs}, str(tmp_path / "many"))
    assert few.name == many.name == "synthetic_1.png"
    assert many.read_bytes()[:4] == b"\x89PNG"
    assert few.read_bytes() != many.read_bytes()


@pytest.mark.parametrize("content", ["text", "picture"])
def test_a_file_that_is_no_plot_is_not_replaced(tmp_path, content):
    table, file = synthetic_table(1), tmp_path / "synthetic_1.png"
    assert plot_file(table, str(tmp_path)) == file
    if content == "text":
        file.write_text("mine")
    else:
        Image.new("RGB", (4, 4)).save(file)
    before = file.read_bytes()
    with pytest.raises(PaddleTransferError, match="is there already, and is no plot"):
        plot_regrets(table, {"one": [Run([5], [5], [4])]}, str(tmp_path))
    assert file.read_bytes() == before


def test_a_plot_is(tmp_path):
    pytest.importorskip("matplotlib")
    for _ in range(2):
        file = plot_regrets(synthetic_table(1), {"one": [Run([5], [5], [4])]}, str(tmp_path))
    assert file.stat().st_size > 1000
