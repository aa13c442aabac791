"""The reports that a search file may name: the result files, VisualDL, TensorBoard,
``report.html``, the terminal."""

from __future__ import annotations

from importlib.util import find_spec
from traceback import extract_tb

from pydantic import ValidationError

from paddle_transfer.config.validation import Options, issues_of
from paddle_transfer.errors import ConfigError, ValidationIssue, did_you_mean
from paddle_transfer.loop.callbacks import tell_switched_off
from paddle_transfer.loop.ranking import Ranker
from paddle_transfer.registry import Component, Registry, UnknownName, attribute_of
from paddle_transfer.report.base import Report
from paddle_transfer.settings.search_file import SearchSettings

#: A new report is one file in this room and one line here. Other packages register theirs under
#: the entry point group. The result files are written in every search, named or not.
REPORTS: Registry[type[Report]] = Registry(
    "report", group="paddle_transfer.reports", attribute="options", builtin={
        "files": "paddle_transfer.report.files:ResultFiles",
        "visualdl": "paddle_transfer.report.visualdl:VisualDL",
        "tensorboard": "paddle_transfer.report.tensorboard:TensorBoard",
        "html": "paddle_transfer.report.html.callback:HtmlReport",
        "terminal": "paddle_transfer.report.terminal:Terminal",
    })


#: Those that write runs, which ``paddle-transfer report --format`` can write afterwards.
FORMATS = ("visualdl", "tensorboard")
#: Packages that a report needs, and that are installed with an extra of its name only.
EXTRAS = {"tensorboard": "tensorboardX"}


def lacking(name: str) -> str:
    """The package that the report ``name`` needs and that is not installed; empty: none."""
    package = EXTRAS.get(name, "")
    return package if package and find_spec(package) is None else ""


def install(name: str) -> str:
    """The command that installs what the report ``name`` needs."""
    return f"pip install 'paddle_transfer[{name}]'"


def check_reports(settings: SearchSettings) -> None:
    """Raises ConfigError for every report of the search file that there is not, or whose options
    are wrong. One whose module fails when it is imported is no mistake of the file: the search
    goes on without it."""
    issues: list[ValidationIssue] = []
    for i, component in enumerate(settings.reports):
        if component.name not in REPORTS:
            issues.append(ValidationIssue(f"reports.{i}", "must be a report", repr(component.name),
                                          did_you_mean(component.name, REPORTS.names())))
        elif package := lacking(component.name):
            issues.append(ValidationIssue(
                f"reports.{i}", f"needs {package}, which is not installed", repr(component.name),
                install(component.name)))
        elif component.options or component.name not in REPORTS.builtin:  # ours import slowly
            try:
                _options(component)
            except ValidationError as error:
                issues += issues_of(error, f"reports.{i}")
            except UnknownName as error:
                if not _fails_itself(error, component.name):
                    issues.append(ValidationIssue(f"reports.{i}", "must be a report",
                                                  repr(component.name), str(error)))
            except Exception:
                continue  # make_reports meets it again, and says so
    if issues:
        raise ConfigError(settings.file, issues)


def make_reports(settings: SearchSettings, ranker: Ranker) -> tuple[Report, ...]:
    """The reports of a search, without those that cannot be imported or made, which one line on
    stderr says. Result files come first: they are written even when a display fails."""
    made: list[Report] = [REPORTS["files"](settings, ranker=ranker)]
    for component in settings.reports:
        if component.name == "files":
            continue
        try:
            made.append(REPORTS[component.name](settings, ranker=ranker, given=_options(component)))
        except Exception as error:
            tell_switched_off(f"the report {component.name}", "cannot be used",
                              error.__cause__ or error if isinstance(error, UnknownName) else error)
    return tuple(made)


def _fails_itself(error: UnknownName, name: str) -> bool:
    """Whether the module of ``name`` is there, and raised ``error`` while it was imported."""
    cause = error.__cause__
    if isinstance(cause, ModuleNotFoundError):
        return not f"{name.partition(':')[0]}.".startswith(f"{cause.name}.")
    if isinstance(cause, AttributeError):  # by the look-up of the attribute, or inside the module
        return extract_tb(cause.__traceback__)[-1].name != attribute_of.__name__
    return cause is not None


def _options(component: Component) -> Options:
    return REPORTS[component.name].options.model_validate(
        dict(component.options), context={"name": component.name})
