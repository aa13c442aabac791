"""Pictures of replays: what their curves are made of, and that they become files."""

from __future__ import annotations

import pytest

from benchmarks.plots import mean_regret, plot_regrets
from benchmarks.replay import Run
from benchmarks.synthetic import synthetic_table


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
