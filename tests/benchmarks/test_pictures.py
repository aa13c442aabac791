"""The pictures of the docs: what is in them, and that they are the same every time."""

from __future__ import annotations

import numpy
import pytest

from benchmarks import gap_closed, pictures
from benchmarks.recorded import BASELINE
from benchmarks.synthetic import synthetic_table
from benchmarks.truth import shrunk


def test_the_best_so_far_is_that_of_the_seed_in_its_order():
    table = synthetic_table(1)
    ends = table.curves[:, 0, -1]
    order = numpy.argsort(ends, kind="stable")
    assert gap_closed.best_so_far(table, order, seed=0) == list(order)
    assert gap_closed.best_so_far(table, order[::-1], seed=0) == [order[-1]] * len(order)


def test_gains_begin_at_the_fixed_point_and_random_search_ends_with_the_grid(monkeypatch):
    monkeypatch.setattr(gap_closed, "TRIALS", 2)
    monkeypatch.setattr(gap_closed, "RANDOM", 3)
    monkeypatch.setattr(gap_closed, "LeftOut", lambda _tables: None)  # there are no others
    table = synthetic_table(1)
    shares = gap_closed.gains([table])
    assert shares["bayes"][0] == shares["random"][0] == pytest.approx(0.0)
    assert len(shares["bayes"]) == 2
    values, fixed = shrunk(table), table.space.index(BASELINE)
    last = [values[table.curves[:, i % table.seeds, -1].argmax()] for i in range(3)]
    assert shares["random"][-1] == pytest.approx(
        (numpy.mean(last) - values[fixed]) / (values.max() - values[fixed]))


def test_a_picture_has_its_texts_and_is_the_same_every_time(tmp_path, recwarn):
    pytest.importorskip("matplotlib")
    shares = {"bayes": numpy.array([0.0, 0.5]), "random": numpy.array([0.0, 0.2, 0.4])}
    first, second = (pictures.save(
        tmp_path / name, lambda figure, texts: pictures.draw_gains(figure, shares, texts),
        pictures.TEXTS["zh"], (4, 3)).read_text(encoding="utf-8") for name in ("a.svg", "b.svg"))
    assert first == second
    for text in ("训练次数", "随机搜索", "完整网格，3 次训练"):
        assert f">{text}</text>" in first
    assert not [one for one in recwarn if "Glyph" in str(one.message)]


def test_both_languages_have_all_texts():
    assert pictures.TEXTS["en"].keys() == pictures.TEXTS["zh"].keys()
