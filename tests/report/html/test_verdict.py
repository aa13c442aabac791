"""The page's first words: a reader who knows nothing else finds five answers in them."""

import html
import re
import shlex
from dataclasses import replace

import numpy as np
import pytest

from paddle_transfer.predictions import FILE, Predictions
from paddle_transfer.report.html.data import read_search_data
from paddle_transfer.report.html.page import render
from paddle_transfer.report.html.sections import make_sections
from paddle_transfer.report.html.steps import next_steps
from paddle_transfer.report.html.verdict import verdict
from paddle_transfer.report.html.words import LANGUAGES, marked, texts
from paddle_transfer.report.summary import outlook_line
from paddle_transfer.samplers.base import PosteriorSummary
from tests.helpers.records import record, shown_settings
from tests.helpers.saved_study import write_study

POINTS = [record(i, lr, mixup, value=0.5 + 0.3 * (lr == 0.1) + 0.02 * mixup)
          for i, (lr, mixup) in enumerate((lr, mixup) for lr in (0.01, 0.1, 0.001)
                                          for mixup in (False, True))]


def search(folder, records=POINTS, *, reason="max_iter (6) suggestions were evaluated", **settings):
    return read_search_data(write_study(shown_settings(folder / "out", **settings), records,
                                        reason=reason))


def told(data, language="en"):
    """The verdict as text, and the sections that it points to."""
    made = verdict(data, make_sections(data, marked))
    words = texts(language)
    lines = [" ".join(words[one.key].format(**one.values) for one in part) for part in (
        made.headline, *(remark.sentences for remark in made.remarks))]
    return lines, [remark.section for remark in made.remarks if remark.section]


def test_five_questions_are_answered_in_the_first_words(tmp_path):
    root = write_study(shown_settings(tmp_path / "out"), POINTS)
    labels = np.array([0, 0, 0, 1, 1])
    Predictions.of(np.eye(2)[[0, 1, 1, 1, 1]], labels).write(root / FILE)
    (root / "best_model.pdparams").touch()
    lines, sections = told(read_search_data(root))
    assert re.fullmatch(r"Found: lr 0\.1, mixup on, in the place of lr 0\.01, mixup off\. That is "
                        r"probably better .*, but not surely: \+32\.00 ± \d+\.\d\d points\.",
                        lines[0])
    text = "\n".join(lines)
    for one in ("going on is worth it: one more training is expected to gain",
                "lr 0.1 is the largest", f"warm_start: [{root}]", "share of all differences: lr (",
                "answers 2 of 5 validation images wrong. Most often 0 is taken for 1: 2 of 3.",
                "The model is best_model.pdparams"):
        assert one in text
    assert sections == ["progress", "matters", "winner", "next"]
    page = render(read_search_data(root))
    assert '<div class="stat gain probably">' in page
    assert html.escape(lines[0].split(". That")[0]) in page
    assert all(f'id="{one}"' in page for one in sections)


@pytest.mark.parametrize(("gain", "points", "key"), [
    (0.004, 6, "verdict_worth"), (0.004, 7, "verdict_worth"), (0.0039, 7, "verdict_worthless"),
    (0.0039, 6, "verdict_early")])
def test_whether_going_on_is_worth_it_is_said_as_stop_auto_does(tmp_path, gain, points, key):
    data = search(tmp_path, fixed=None)
    rows = (data.ranking * 2)[:points]
    told = {**data.told, "going_on": {"gain": gain, "noise": 0.04}}
    made = verdict(replace(data, ranking=rows, told=told), ())
    assert key in [one.key for remark in made.remarks for one in remark.sentences]
    view = PosteriorSummary({}, gain, 0.1 * 0.04, 0.04, points)
    words = texts("en")[key].format(gain=f"{100 * gain:.2f}", noise="4.00")
    assert outlook_line(shown_settings("out"), view) == words


def test_a_search_that_runs_has_no_end_of_an_axis_yet(tmp_path):
    assert "verdict_wider" in str(verdict(search(tmp_path / "a"), ()))
    assert "verdict_wider" not in str(verdict(search(tmp_path / "b", reason=None), ()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_can_be_said_of_any_search(tmp_path, language):
    few = told(search(tmp_path / "a", POINTS[:1]), language)[0]
    assert len(few) == 1, "the fixed point alone, without a model or answers"
    alone = told(search(tmp_path / "b", fixed=None, search_mode="random"), language)[0]
    assert "lr 0.1" in alone[0]
    assert verdict(search(tmp_path / "c", [record(0, 0.1, state="failed")]), ()) is None


def test_one_seed_beside_a_mean_over_seeds_is_explained(tmp_path):
    again = [*POINTS, record(6, 0.1, True, value=0.7, seed=1, suggestion=3)]
    data = search(tmp_path, again, search_mode="random")
    assert data.best.point == {"lr": 0.1, "mixup": True}
    page = render(data)
    assert "the mean of 2 trainings; the best of them, trial 3, has 0.8200" in page
    Predictions.of(np.eye(2), np.array([0, 1])).write(data.output_dir / FILE)
    assert "and chosen for that: expect their mean, 0.7600." in render(data)


@pytest.mark.parametrize(("reason", "end"), [
    ("max_iter (6) suggestions were evaluated", " -o max_iter=12"), ("interrupted", ""),
    (None, ""), ("all 6 points of the space were evaluated", None)])
def test_the_command_that_searches_on_is_there_where_there_is_more(tmp_path, reason, end):
    data = search(tmp_path, reason=reason)
    steps = dict(next(one.values["steps"] for one in make_sections(data, marked)
                      if one.name == "next"))
    line = steps.get("step_search")
    assert line is None if end is None else line.endswith(f"{data.output_dir}/search.yaml{end}")


def test_the_command_that_searches_on_has_what_changed_the_training_config(tmp_path):
    settings = shown_settings(tmp_path / "out")
    options = ("Global.pretrained_model=my weights", "Global.class_names=[a, $HOME]")
    settings = replace(settings, base=replace(settings.base, options=options))
    data = read_search_data(write_study(settings, POINTS))
    line = dict(next_steps(data))["step_search"]
    words = shlex.split(line)
    assert words[words.index("-o"):] == ["-o", options[0], "-o", options[1], "-o", "max_iter=12"]
    assert "'Global.class_names=[a, $HOME]'" in line
    assert f">{line}<" in html.unescape(render(data))


@pytest.mark.parametrize(("labels", "answers", "en", "zh"), [
    ([0, 0, 1, 1], [0, 1, 1, 1], "", ""),
    ([0, 1, 1], [0, 0, 0], "1 is never answered. ", "网络从不给出 1。 "),
    ([0, 1, 2, 2], [0, 0, 0, 0], "2 and 1 are never answered. ", "网络从不给出 2 和 1。 "),
    ([0, 1, 2, 3], [0, 0, 0, 0], "1, 2 and 3 are never answered. ", "网络从不给出 1、2 和 3。 "),
    ([0, 1, 2, 3, 4, 5], [0] * 6, "1, 2, 3 and 2 more are never answered. ",
     "网络从不给出 1、2、3 以及另外 2 个类别。 "),
    ([0, 1, 2], [1, 0, 0], "2 is never answered. No image of 0 or 1 is answered right. ",
     "网络从不给出 2。 0 和 1 的图片无一答对。 ")])
def test_classes_that_are_never_answered_come_before_single_mistakes(
        tmp_path, labels, answers, en, zh):
    root = write_study(shown_settings(tmp_path / "out"), POINTS)
    Predictions.of(np.eye(max(labels) + 1)[answers], np.array(labels)).write(root / FILE)
    data = read_search_data(root)
    for language, between in (("en", f"validation images wrong. {en}Most often"),
                              ("zh", f" 张。 {zh}最常见的错误")):
        assert between in "\n".join(told(data, language)[0])
