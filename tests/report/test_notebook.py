"""What a notebook shows of a search: its table, and the plots of the report."""

import html
import re

import plotly.graph_objects as go
import pytest

from paddle_transfer import load_search
from paddle_transfer.errors import DataError
from paddle_transfer.report.notebook import answer, search_html
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.search_key import SearchKey
from tests.helpers.records import record, shown_settings
from tests.helpers.saved_study import write_study

BEST, FIXED = record(1, 0.001, True, value=0.8125), record(0, 0.01, value=0.7)


@pytest.fixture
def result(tmp_path):
    return load_search(write_study(shown_settings(tmp_path / "out", search_mode="random"),
                                   [FIXED, BEST, record(2, 0.1, state="diverged")]))


def cells(page):
    return [[html.unescape(cell) for cell in re.findall(r"<t[hd]>(.*?)</t[hd]>", row)]
            for row in re.findall(r"<tr>(.*?)</tr>", page)]


def test_the_answer_and_the_table(result):
    page = result._repr_html_()
    assert ("top1 0.8125 on 9 images with lr 0.001, mixup on: a gain of +11.25 ± 14.19 points "
            "over the fixed point.") in page
    assert cells(page) == [["rank", "top1", "trial", "lr", "mixup", ""],
                           ["1", "0.8125", "1", "0.001", "on", ""],
                           ["2", "0.7000", "0", "0.01", "off", "fixed point"]]
    assert "max_iter (6) suggestions were evaluated" in page


def test_the_fixed_point_may_be_the_best_or_not_there(tmp_path):
    ranking = load_search(write_study(shown_settings(tmp_path / "out"), [FIXED])).ranking
    assert answer("top1", ranking).endswith("mixup off, which is the fixed point.")
    free = load_search(write_study(shown_settings(tmp_path / "free", fixed=None), [FIXED])).ranking
    assert answer("top1", free).endswith("mixup off.")


def test_without_a_complete_trial_it_says_so():
    page = search_html("out", "top1", None, ())
    assert page == "<p>No trial is complete.</p><p><code>out</code>: not ended</p>"


def test_what_users_write_is_no_markup(tmp_path):
    keys = (SearchKey(Choice("<b>lr", ("<script>alert(1)</script>", "x")), ("Optimizer.name",)),)
    settings = shown_settings(tmp_path / "<i>", keys=keys, fixed=None, search_mode="random")
    point = {"<b>lr": "<script>alert(1)</script>"}
    page = load_search(write_study(settings, [record(0, 0.1, value=0.5, point=point)])
                       )._repr_html_()
    assert not re.search(r"<(script|b|i)>", page)
    assert cells(page)[1][3] == point["<b>lr"]


def test_each_plot_is_a_figure_in_either_language(result):
    plots = result.plots()
    assert {"best_so_far", "curves", "parallel"} <= set(plots)
    assert all(isinstance(one, go.Figure) and one.data for one in plots.values())
    values = [y for trace in plots["best_so_far"].data for y in trace.y]
    assert 0.8125 in values
    assert "⟦" not in plots["curves"].to_json(), "the marks of the page are words here"
    assert result.plot("curves").layout.xaxis.title.text == "epoch"
    assert re.search(r"[\u4e00-\u9fff]",
                     result.plot("curves", language="zh").layout.xaxis.title.text)


def test_a_plot_or_language_that_is_not_there_is_told(result):
    with pytest.raises(DataError, match=r"has no plot 'curve'\. Did you mean 'curves'"):
        result.plot("curve")
    with pytest.raises(DataError, match="language: must be one of en, zh; found 'fr'"):
        result.plots(language="fr")
