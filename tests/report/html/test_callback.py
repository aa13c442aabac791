"""The report as a callback of a search."""

import re

import pytest

from paddle_transfer import api, public
from paddle_transfer.errors import ConfigError
from paddle_transfer.registry import Component
from paddle_transfer.report.html.page import REPORT
from tests.helpers.configs import write_search
from tests.helpers.tiny_search import RUNNER, tiny_settings


def run(folder, *reports):
    settings = tiny_settings(folder, max_iter=2, reports=tuple(map(Component, reports)))
    assert api.run_search(settings, runner=RUNNER) == 0
    return folder / REPORT


def test_it_is_written_at_the_end(tmp_path):
    page = run(tmp_path, "html").read_text(encoding="utf-8")
    assert 'class="status done"' in page
    assert "max_iter (2) suggestions were evaluated" in page


def test_the_page_of_a_search_that_was_over_stays(tmp_path):
    page = run(tmp_path, "html")
    mark = "<!-- the page of before -->"
    page.write_text(page.read_text(encoding="utf-8") + mark, encoding="utf-8")
    assert mark in run(tmp_path, "html").read_text(encoding="utf-8")
    page.write_text('<p class="status interrupted">', encoding="utf-8")
    assert 'class="status done"' in run(tmp_path, "html").read_text(encoding="utf-8")
    page.unlink()
    assert run(tmp_path, "html").exists()


def test_it_can_be_left_out(tmp_path):
    assert not run(tmp_path, "terminal").exists()


def test_a_fault_in_it_is_one_line_and_ends_no_search(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("paddle_transfer.report.html.page.render", lambda *_, **__: 1 / 0)
    assert not run(tmp_path, "html").exists()
    told, = capsys.readouterr().err.splitlines()
    assert told.startswith("the report html failed in search_ended and is switched off; the search "
                           "goes on: ZeroDivisionError: division by zero")


def test_its_language_is_one_of_two(tmp_path):
    def load(language):
        return public.load_settings(write_search(
            tmp_path, reports=[{"name": "html", "language": language}]))

    assert load("zh").reports == (Component("html", {"language": "zh"}),)
    with pytest.raises(ConfigError, match=re.escape(
            "reports.0.language: must be one of en, zh; found 'fr'")):
        load("fr")


def test_a_full_disk_costs_the_report_only(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("paddle_transfer.report.html.page.REPORT", "nowhere/page.html")
    run(tmp_path, "html")
    told, = capsys.readouterr().err.splitlines()
    assert told.startswith("the report html failed in search_ended and is switched off; ")
    assert (tmp_path / "best_config.yaml").exists()
