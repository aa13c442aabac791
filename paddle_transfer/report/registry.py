"""The reports that a search file may name: the result files, VisualDL, the terminal."""

from __future__ import annotations

from pydantic import ValidationError

from paddle_transfer.config.validation import Options, issues_of
from paddle_transfer.errors import ConfigError, ValidationIssue, did_you_mean
from paddle_transfer.loop.ranking import Ranker
from paddle_transfer.registry import Component, Registry
from paddle_transfer.report.base import Report
from paddle_transfer.settings.search_file import SearchSettings

#: A new report is one file in this room and one line here. Other packages register theirs under
#: the entry point group. The result files are written in every search, named or not.
REPORTS: Registry[type[Report]] = Registry(
    "report", group="paddle_transfer.reports", attribute="options", builtin={
        "files": "paddle_transfer.report.files:ResultFiles",
        "visualdl": "paddle_transfer.report.visualdl:VisualDL",
        "terminal": "paddle_transfer.report.terminal:Terminal",
    })


def check_reports(settings: SearchSettings) -> None:
    """Raises ConfigError for every report of the search file that there is not, or whose options
    are wrong."""
    issues: list[ValidationIssue] = []
    for i, component in enumerate(settings.reports):
        if component.name not in REPORTS:
            issues.append(ValidationIssue(f"reports.{i}", "must be a report", repr(component.name),
                                          did_you_mean(component.name, REPORTS.names())))
        elif component.options or component.name not in REPORTS.builtin:  # ours import slowly
            try:
                _options(component)
            except ValidationError as error:
                issues += issues_of(error, f"reports.{i}")
    if issues:
        raise ConfigError(settings.file, issues)


def make_reports(settings: SearchSettings, ranker: Ranker) -> tuple[Report, ...]:
    """The reports of a search: result files come first, so they are written even when a display
    fails."""
    chosen = [one for one in settings.reports if one.name != "files"]
    return tuple(REPORTS[one.name](settings, ranker=ranker, given=_options(one))
                 for one in (Component("files"), *chosen))


def _options(component: Component) -> Options:
    return REPORTS[component.name].options.model_validate(
        dict(component.options), context={"name": component.name})
