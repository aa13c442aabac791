"""The other sections: what a model says, the data, how to go on, what it takes to do it again."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from paddle_transfer.report.html import content, matters, page, steps
from paddle_transfer.report.html.content import told_reason
from paddle_transfer.report.html.data import read_search_data
from paddle_transfer.report.html.figures import points as points_figures
from paddle_transfer.report.html.page import write_report
from paddle_transfer.report.html.plots import plotly_figure
from paddle_transfer.report.html.sections import make_sections
from paddle_transfer.report.html.words import in_language, texts
from paddle_transfer.settings.final import Final
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.search_key import SearchKey
from tests.helpers.configs import base_config
from tests.helpers.records import record, shown_settings
from tests.helpers.saved_study import write_study

POINTS = [record(i, lr, mixup, value=0.5 + 0.1 * (lr == 0.01) + 0.02 * mixup)
          for i, (lr, mixup) in enumerate((lr, mixup) for lr in (0.1, 0.01, 0.001)
                                          for mixup in (False, True))]


def search(folder, records=POINTS, **settings):
    return read_search_data(write_study(shown_settings(folder / "out", **settings), records))


def sections(data):
    """The sections by name, their plots as Plotly's own, which refuse what is not in its schema."""
    made = {section.name: section for section in make_sections(data, in_language("en"))}
    return {name: replace(one, figures={key: plotly_figure(plot)
                                        for key, plot in one.figures.items()})
            for name, one in made.items()}


def test_a_search_has_the_view_of_a_model(tmp_path):
    made = sections(search(tmp_path))["matters"]
    assert {"importance", "effect0", "effect1", "pair", "parallel"} == set(made.figures)
    assert made.figures["importance"].data[0].y[-1] == "lr", "the most important one at the top"
    assert made.values["chosen"]


def test_another_search_is_only_looked_at_by_a_model(tmp_path):
    made = sections(search(tmp_path, search_mode="random"))["matters"]
    assert "importance" in made.figures
    assert not made.values["chosen"]


def test_few_points_say_so(tmp_path):
    made = sections(search(tmp_path, POINTS[:3]))["matters"]
    assert made.values["few"]
    assert "importance" not in made.figures


def test_strategies_stand_side_by_side(tmp_path):
    keys = (SearchKey(Choice("strategy", ("full", "head", "partial"))),
            SearchKey(Choice("lr", (0.1, 0.01), log=True)))
    records = [record(i, 0.1, value=value, state=state, point={"strategy": strategy, "lr": lr})
               for i, (strategy, lr, value, state) in enumerate((
                   ("full", 0.1, 0.6, "complete"), ("head", 0.1, 0.7, "complete"),
                   ("head", 0.01, 0.8, "complete"), ("partial", 0.1, 0.9, "pruned")))]
    data = search(tmp_path, records, keys=keys, fixed=None)
    assert list(matters.strategies(data)) == ["head", "full", "partial"], "pruned ones come last"
    drawn = sections(data)["matters"].figures["strategies"]
    assert {line.name: list(line.x) for line in drawn.data} == {
        "pruned": [0.9], "other trainings": [0.7], "the best of each": [0.6, 0.8]}


def test_a_setting_that_is_switched_off_is_no_result_of_its_value(tmp_path):
    keys = (SearchKey(Choice("strategy", ("full", "partial"))),
            SearchKey(Choice("trained_stages", (1, 2, 3, 4),
                             condition=(("strategy", ("partial",)),))))
    points = [("full", 1), ("partial", 1), ("partial", 2), ("partial", 3), ("partial", 4)]

    def trained(full, partial):
        return [record(i, 0.1, value=full if strategy == "full" else partial + i / 100,
                       point={"strategy": strategy, "trained_stages": stages})
                for i, (strategy, stages) in enumerate(points)]

    data = search(tmp_path, trained(0.3, 0.6), keys=keys, fixed=None)
    assert [one.point.get("trained_stages") for one in matters.tried(data)] == [None, 1, 2, 3, 4]
    lines = points_figures.parallel(matters.tried(data), matters.axes_of(data), "top1",
                                    in_language("en")).data
    assert any(None in line["y"][:2] for line in lines), "a gap"
    full = search(tmp_path / "full", trained(0.9, 0.3), keys=keys, fixed=None)
    assert full.best.point["strategy"] == "full"
    assert sections(full)["matters"].values["effects"] == [("effect0", "strategy")]


def test_the_best_so_far_has_a_step_for_each_improvement(tmp_path):
    drawn = sections(search(tmp_path, fixed=None))["progress"].figures["best_so_far"]
    line, = (one for one in drawn.data if one.name == "best so far")
    assert (line.x, line.y) == ((1, 2, 3, 4, 6), (0.5, 0.52, 0.6, 0.62, 0.62))


@pytest.mark.parametrize(("points", "note"), [
    (POINTS, "best_so_far_note"), (POINTS[3:4], "best_so_far_plain")])
@pytest.mark.parametrize(("language", "words"), [
    ("en", "what was found may stand lower, at the mean of its seeds."),
    ("zh", "找到的设置取其各个种子的平均值，可能低于折线。")])
def test_the_best_so_far_is_said_to_be_of_single_trainings(tmp_path, points, note, language, words):
    points = [replace(one, number=i, suggestion=i) for i, one in enumerate(points)]
    again = replace(points[-1], number=len(points), seed=1, value=0.5)
    data = search(tmp_path, [*points, again], search_mode="random", fixed=None)
    caption = re.search(rf'<figcaption><span data-t="{note}">(.*)</span></figcaption>',
                        page.render(data, language=language))
    assert caption[1].endswith(words)


def test_curves_of_one_epoch_are_no_curves(tmp_path):
    data = search(tmp_path, [replace(one, curve=one.curve[:1]) for one in POINTS])
    assert set(sections(data)["progress"].figures) == {"best_so_far", "devices"}


def test_a_section_that_cannot_be_made_costs_itself_only(tmp_path, monkeypatch):
    monkeypatch.setattr(matters, "view_of", lambda _: 1 / 0)
    made = sections(search(tmp_path))
    assert made["matters"].fault.startswith("ZeroDivisionError: division by zero")
    assert not made["progress"].fault
    monkeypatch.setattr(content, "progress_of", lambda *_, **__: 1 / 0)
    assert sections(search(tmp_path / "again"))["progress"].fault.startswith("ZeroDivisionError")


def test_the_data_are_shown_with_what_a_check_finds(tmp_path):
    (tmp_path / "train_list.txt").write_text("a.png 0\nb.png 7\n")
    made = sections(search(tmp_path, base_config=base_config(tmp_path)))["dataset"]
    assert made.values["lists"][0]["images"] == 2
    assert not made.values["checked"].images
    assert any("7" in finding for finding in made.values["checked"].findings)
    assert made.values["sheet"] == [], "none of the images is there"


def test_the_ways_to_go_on_need_nothing_that_is_not_there(tmp_path):
    data = search(tmp_path)
    assert [key for key, _ in steps.next_steps(data)] == [
        "step_train", "step_search", "step_report"]
    (data.output_dir / "best_model.pdparams").touch()
    told = dict(steps.next_steps(data))
    assert list(told) == ["step_train", "step_eval", "step_infer", "step_export", "step_search",
                          "step_report"]
    assert re.search(rf" (tools/)?train(\.py)? -c {data.output_dir}/best_config.yaml$",
                     told["step_train"])


def test_all_that_it_takes_to_do_it_again(tmp_path):
    weights = {"source": "weights.pdparams", "sha256": "ab" * 32}
    data = search(tmp_path, [record(0, 0.01, value=0.7, seed=3, info={"pretrained": weights})])
    assert steps.seeds(data) == {"search": 0, "best": 3}
    assert steps.hashes(data) == [("weights.pdparams", "ab" * 32)]
    assert set(steps.files(data)) == {"best_config.yaml", "search.yaml"}


def test_a_gain_says_where_its_error_comes_from(tmp_path):
    first = search(tmp_path / "a", search_mode="random").gain
    assert (round(first.value, 6), first.source, first.images) == (0.02, "images", 9)
    again = [*POINTS, *(record(6 + i, 0.01, mixup, value=0.61 + 0.02 * mixup, seed=1)
                        for i, mixup in enumerate((False, True)))]
    second = search(tmp_path / "b", again, search_mode="random").gain
    assert (second.source, second.trainings) == ("repeats", 2)
    assert second.error == pytest.approx(math.hypot(0.005 * 2 ** 0.5, first.error), rel=0.05)
    third = search(tmp_path / "c").gain
    assert third.source == "noise", "of the search's own model"


def test_the_gain_of_confirmed_points_is_seed_by_seed(tmp_path):
    data = search(tmp_path)
    told = json.loads((data.output_dir / "search_results.json").read_text())
    told["confirm"] = {"points": [
        {"fixed": False, "seeds": [0, 1, 2], "values": [0.8, 0.7, 0.9]},
        {"fixed": True, "seeds": [0, 2, 1], "values": [0.7, 0.8, 0.5]}]}
    (data.output_dir / "search_results.json").write_text(json.dumps(told))
    gain = read_search_data(data.output_dir).gain
    assert (gain.source, gain.trainings) == ("seeds", 3)
    assert gain.sureness == "luck", "the seeds agree, but there are few images"
    assert gain.error > 3 * (0.1 / 3 / 3 ** 0.5)
    assert gain.value == pytest.approx((0.1 + 0.2 + 0.1) / 3)


def test_a_search_that_is_not_over_has_a_band_of_noise_too(tmp_path):
    settings = shown_settings(tmp_path / "out", search_mode="random")
    data = read_search_data(write_study(settings, POINTS, reason=None))
    lines = [line.name for line in sections(data)["progress"].figures["best_so_far"].data]
    assert "noise of one seed" in lines
    assert "expected gain of one more training" not in lines


def test_what_was_tested_is_in_the_answer(tmp_path):
    soup = {"accepted": True, "weights": "final/soup/0001/best_model.pdparams", "metric": "top1",
            "trials": [2, 3], "value": 0.65, "images": 9, "statistics": 0,
            "single": {"trial": 2, "value": 0.6},
            "test": {"single": 0.61, "soup": 0.64, "images": 50}}
    settings = shown_settings(tmp_path / "out")
    settings = replace(settings, final=Final(soup="greedy"))
    weights = tmp_path / "out" / soup["weights"]
    weights.parent.mkdir(parents=True)
    weights.touch()
    data = read_search_data(write_study(settings, POINTS, soup=soup))
    assert content.tested(data) == [("tested_soup", 0.64, 50), ("tested_single", 0.61, 50)]
    assert content.souped(data)["trials"] == "2, 3"
    assert "2, 3: 0.6500 on 9 images" in write_report(data.output_dir).read_text("utf-8")
    (data.output_dir / "final.json").write_text(json.dumps(
        {"best": {"test": 0.7, "images": 5}, "fixed": {"test": 0.6}}))
    assert content.tested(data)[:2] == [("tested_best", 0.7, 5), ("tested_fixed", 0.6, None)]


@pytest.mark.parametrize(("reason", "key"), [
    ("max_iter (6) suggestions were evaluated", "ended_max_iter"),
    ("all 6 points of the space were evaluated", "ended_space"),
    ("time_budget (0.5 h) is spent", "ended_time"), ("interrupted", "ended_interrupted"),
    ("a new reason: {braces}", "ended_else")])
def test_a_reason_reads_the_same_in_english(reason, key):
    assert told_reason(reason)[0] == key
    assert in_language("en")(key).format(**told_reason(reason)[1]) == reason


def test_every_text_that_a_template_names_is_there():
    for file in Path(page.__file__).with_name("templates").rglob("*.j2"):
        named = re.findall(r'\b(?:t|text|head|scroll)\("(\w+)"[,)]', file.read_text())
        named += [key for keys in re.findall(r'plot\(figures, "\w+", "(\w+)", "(\w+)"',
                                             file.read_text()) for key in keys]
        assert set(named) <= set(texts("en")), file.name


def test_thousands_of_trials_make_no_page_of_hundreds_of_megabytes(tmp_path):
    few = search(tmp_path, POINTS[:1])
    records = tuple(record(i, (0.1, 0.01, 0.001)[i % 3], bool(i % 2), value=0.5 + i / 1e4)
                    for i in range(4000))
    rows = [replace(few.ranking[0], rank=i + 1, best_trial=one) for i, one in enumerate(records)]
    data = replace(few, records=records, ranking=tuple(rows))
    made = page.render(data)
    assert len(made) < 4_000_000
    assert made.count("<tr") < 600
    assert 'data-t="more_points"' in made
    assert "section_fault" not in re.sub(r'id="data">.*', "", made, flags=re.DOTALL)
