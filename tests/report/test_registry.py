"""Reports by name: a search file that names them, and a report from outside of the package."""

from typing import Annotated

import pytest

from paddle_transfer import api, public
from paddle_transfer.config.rules import whole
from paddle_transfer.config.validation import Options
from paddle_transfer.errors import ConfigError
from paddle_transfer.loop.callbacks import FinalCallback, SearchCallback
from paddle_transfer.registry import Component
from paddle_transfer.report.base import Report
from paddle_transfer.report.registry import REPORTS, make_reports
from tests.helpers.configs import write_search
from tests.helpers.records import ranker_of, shown_settings
from tests.helpers.settings import change
from tests.helpers.tiny_search import RUNNER, tiny_settings


class CountOptions(Options):
    first: Annotated[int, whole(0)] = 0


class Count(Report):
    """Counts the epochs."""

    name = "count"
    options = CountOptions
    epochs = 0

    def search_started(self, _records):
        Count.epochs = self.given.first

    def epoch_reported(self, *_):
        Count.epochs += 1


@pytest.fixture(autouse=True)
def registered():
    REPORTS.register("count", Count)
    yield
    REPORTS.unregister("count")


def load(folder, reports, **options):
    return public.load_settings(write_search(folder, reports=reports), **options)


def test_the_result_files_come_first_whatever_is_named(tmp_path):
    settings = shown_settings(tmp_path)
    for names, made in ((("terminal", "count"), ["ResultFiles", "Terminal", "Count"]),
                        (("terminal", "files"), ["ResultFiles", "Terminal"]),
                        ((), ["ResultFiles"])):
        named = change(settings, reports=tuple(map(Component, names)))
        reports = make_reports(named, ranker_of(settings))
        assert [type(report).__name__ for report in reports] == made
    default = make_reports(settings, ranker_of(settings))
    assert [report.name for report in default] == ["files", "visualdl", "html", "terminal"]


def test_built_in_reports_are_callbacks(tmp_path):
    settings = shown_settings(tmp_path)
    for name in REPORTS.builtin:
        report = REPORTS[name](settings, ranker=ranker_of(settings))
        for method in (name for name in vars(SearchCallback) if not name.startswith("_")):
            assert callable(getattr(report, method))
        assert isinstance(report, FinalCallback)
        assert report.name == name


def test_a_report_of_another_package_runs_with_its_options(tmp_path):
    settings = change(tiny_settings(tmp_path / "out", values={"a": [1, 2]}),
                      reports=(Component("count", {"first": 10}),))
    assert api.run_search(settings, runner=RUNNER) == 0
    assert Count.epochs == 10 + 2 * 3
    assert (tmp_path / "out" / "search_results.csv").exists()
    assert not (tmp_path / "out" / "vdl").exists()


@pytest.mark.parametrize(("reports", "message"), [
    (["terminal", "visualdll"], "reports.1: must be a report; found 'visualdll'. Did you mean "
     "'visualdl'"),
    ([{"name": "count", "frist": 1}], "reports.0.frist: .*Did you mean 'first'"),
    ([{"name": "count", "first": -1}], "reports.0.first: must be a whole number, 0 or more"),
    ([{"name": "terminal", "colour": 1}], "reports.0.colour"),
])
@pytest.mark.parametrize("dry_run", [False, True])
def test_what_is_wrong_with_reports_is_told(tmp_path, reports, message, dry_run):
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, reports, dry_run=dry_run)


def test_a_fine_list_is_read(tmp_path):
    assert [one.name for one in load(tmp_path, ["count", "files"]).reports] == ["count", "files"]
