"""What stands in report.html: the figures of search_results.json, of any search, whatever befell
it."""

import csv
import html
import json
import re

import pytest

from paddle_transfer.cli.report import COMMAND
from paddle_transfer.report.html.page import REPORT, write_report
from paddle_transfer.report.html.words import LANGUAGES, texts
from tests.helpers.records import record, shown_settings
from tests.helpers.saved_study import write_study

RECORDS = [record(0, 0.01, value=0.7), record(1, 0.001, True, value=0.8),
           record(2, 0.1, value=0.3, state="pruned"),
           record(3, 0.1, True, state="failed", info={"reason": "crashed: a <b>sad</b> end"})]


def page_of(folder, **options):
    return write_report(folder, **options).read_text(encoding="utf-8")


def data_of(page):
    """What the page's scripts are given."""
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])


def shown(page):
    """The figures of the page by their names."""
    return {name: float(value) for name, value in
            re.findall(r'data-figure="([\w.]+)" data-value="([^"]*)"', page)}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return write_study(shown_settings(tmp_path_factory.mktemp("search") / "out"), RECORDS)


def test_the_figures_are_those_of_search_results_json(finished):
    page, told = page_of(finished), json.loads((finished / "search_results.json").read_text())
    found = shown(page)
    assert found["winner.value"] == told["winner"]["value"]
    assert found["winner.images"] == told["winner"]["images"]
    assert found["winner.estimate"] == pytest.approx(told["winner"]["estimate"], abs=1e-6)
    assert found["fixed.value"] == told["fixed"]["value"]
    assert found["gain"] == told["winner"]["value"] - told["fixed"]["value"]
    ended = re.search(r'data-figure="ended">(.*?)</dd>', page)[1]
    assert html.unescape(re.sub("<[^>]+>", "", ended)) == told["ended"]
    assert data_of(page)["results"] == told


def test_every_point_is_in_the_leaderboard_in_the_search_s_own_order(finished):
    page = page_of(finished)
    table = re.search(r'<table class="sortable".*?</table>', page, re.DOTALL)[0]
    values = [float(value) for value in re.findall(r'class="n strong" data-v="([^"]+)"', table)]
    with open(finished / "search_results.csv", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["rank"]]
    assert values == [float(row["top1"]) for row in sorted(rows, key=lambda row: int(row["rank"]))]


def test_failures_are_told_with_their_reason_and_can_break_nothing(finished):
    page = page_of(finished)
    assert html.escape("a <b>sad</b> end") in page
    assert "<b>sad" not in page


def test_nothing_in_the_data_ends_the_script_that_holds_them(tmp_path):
    reason = "a</script><script>alert(1)</script>"
    page = page_of(write_study(shown_settings(tmp_path / "out"), RECORDS, reason=reason))
    assert data_of(page)["results"]["ended"] == reason
    assert page.count("<script") == 3


def test_pruned_trainings_are_marked_in_the_curves(finished):
    lines = data_of(page_of(finished))["figures"]["curves"]["data"]
    pruned = [line for line in lines if line.get("name") == "⟦pruned⟧"]
    assert [line["line"]["dash"] for line in pruned] == ["dot"]
    assert pruned[0]["y"][:3] == [0.15, 0.3, 0.29]


@pytest.mark.parametrize("records", [
    [], [record(0, 0.01, state="running")], [record(0, 0.01, state="failed")],
    [*RECORDS, record(4, 0.001, state="running")]], ids=len)
def test_a_search_that_runs_has_a_report_and_is_only_read(tmp_path, records):
    folder = write_study(shown_settings(tmp_path / "out"), records, reason=None)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    file = tmp_path / "elsewhere.html"
    page = page_of(folder, file=file)
    assert 'class="status running"' in page
    assert {path: path.stat().st_mtime_ns
            for path in folder.rglob("*") if path.is_file()} == before


def test_both_languages_have_the_same_texts_and_values():
    english, chinese = (texts(language) for language in LANGUAGES)
    assert list(english) == list(chinese)
    for key, text in english.items():
        named = re.findall(r"\{\w+\}", text)
        assert sorted(named) == sorted(re.findall(r"\{\w+\}", chinese[key])), key


def test_the_command_writes_where_it_is_told(finished, tmp_path, capsys):
    file = tmp_path / "seen.html"
    assert COMMAND.main([str(finished), "--output", str(file), "--lang", "zh"]) == 0
    assert capsys.readouterr().out == f"{file}\n"
    page = file.read_text(encoding="utf-8")
    assert '<html lang="zh" data-asked="zh">' in page
    assert "结论" in page
    assert COMMAND.main([str(finished)]) == 0
    assert (finished / REPORT).is_file()


@pytest.mark.parametrize(("folder", "file", "told"), [
    ("nowhere", "page.html", "so no search has been here"),
    ("out", "nowhere/page.html", "the report cannot be written: No such file or directory. Name "
     "another file with --output")])
def test_what_cannot_be_read_or_written_is_told(finished, tmp_path, capsys, folder, file, told):
    place = finished if folder == "out" else tmp_path / folder
    assert COMMAND.main([str(place), "--output", str(tmp_path / file)]) == 2
    assert told in capsys.readouterr().err
