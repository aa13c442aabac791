"""The public functions: search and estimate (``paddle_transfer.search``, ``.estimate``)."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from paddle_transfer import api, errors
from paddle_transfer.config.load import show_override
from paddle_transfer.config.plain import to_plain
from paddle_transfer.environment import check_machine, preview_machine
from paddle_transfer.errors import ConfigError, ValidationIssue
from paddle_transfer.loop.callbacks import INTERRUPTED, SearchCallback, check_callbacks
from paddle_transfer.loop.failures import check_outcome
from paddle_transfer.loop.interrupts import Interrupts, Unidentified
from paddle_transfer.progress import ProgressBar
from paddle_transfer.report.estimate import Estimate, make_estimate
from paddle_transfer.report.registry import check_reports
from paddle_transfer.result import SearchResult, load_search
from paddle_transfer.settings.search_file import SearchSettings, load_search_file
from paddle_transfer.worker.locate import known_ppcls, locate, ppcls_folder

#: A search file, or its content.
Source = str | os.PathLike[str] | Mapping[str, Any]
#: ``["max_iter=10"]`` as on the command line, or ``{"Global.epochs": 5}``.
Overrides = Sequence[str] | Mapping[str, object]


def search(config: Source, overrides: Overrides = (), *, callbacks: Sequence[SearchCallback] = (),
           fresh: bool = False, rebuild: bool = False, check_data: bool = True,
           paddleclas: str | None = None, **fields: object) -> SearchResult:
    """Search, or go on with the search in ``output_dir``, as ``paddle-transfer search`` does.

    Ctrl-C stops the search and gives what was found so far, with the reason ``interrupted``; the
    same call goes on from there.

    :param config: a search file, or its content
    :param overrides: ``["max_iter=10", ...]`` or a mapping; names whose first letter is a capital
        (``Global.epochs``) go to the base config, any other to the search file
    :param callbacks: are told what happens, as well as the reports of the search file; one that
        raises is switched off, and the search goes on
    :param fresh: move an earlier run in ``output_dir`` aside and begin anew
    :param rebuild: make a study that is lost or broken again from the trials' own files, then go on
    :param check_data: check lists and images before the first trial
    :param paddleclas: a PaddleClas checkout; default: PADDLECLAS_HOME, the current directory when
        it is one, else the installed wheel
    :param fields: further overrides of the search file: ``max_iter=10``

    Raises PaddleTransferError: ConfigError (with all mistakes), DataError, SetupError,
    WeightsError, StudyError (another search is or runs in ``output_dir``), DiskFull, SearchFailed.
    """
    check_callbacks(callbacks)
    _check_begin(fresh=fresh, rebuild=rebuild)
    settings = check_machine(load_settings(config, overrides, fields, paddleclas=paddleclas))
    if check_data:
        check_all_data(settings)
    api.check_version(settings, locate(paddleclas).version)
    reason, identified = INTERRUPTED, True
    with Interrupts([signal.SIGINT], exits=False) as interrupts:
        try:
            reason, records = api.run(settings, interrupts, fresh=fresh, rebuild=rebuild,
                                      paddleclas=paddleclas, runner=api.PADDLE_RUNNER,
                                      more=callbacks, ppcls=lambda: ppcls_folder(paddleclas))
            if reason != INTERRUPTED:
                check_outcome(settings, records, reason)
        except KeyboardInterrupt as stopped:
            identified = not isinstance(stopped, Unidentified)
    return _result(settings, reason, identified=identified)


def _check_begin(*, fresh: bool, rebuild: bool) -> None:
    """Raises ConfigError for two ways to begin at once."""
    if fresh and rebuild:
        raise ConfigError("search", [ValidationIssue(
            "rebuild", "may not stand beside fresh", hint="Take one of the two out.")])


def estimate(config: Source, overrides: Overrides = (), *, paddleclas: str | None = None,
             **fields: object) -> Estimate:
    """What ``search`` would do and cost with the same arguments; nothing is run or written.

    Raises ConfigError with all mistakes. What this machine lacks (images, GPUs) is none: it is told
    in ``warnings``.
    """
    return make_estimate(preview_machine(load_settings(
        config, overrides, fields, paddleclas=paddleclas, dry_run=True)))


def load_settings(config: Source, overrides: Overrides = (),
                  fields: Mapping[str, object] | None = None, *, dry_run: bool = False,
                  paddleclas: str | None = None) -> SearchSettings:
    """Read a search file with its overrides; the arguments are those of ``search``.

    :param dry_run: what this machine lacks becomes a warning
    Raises ConfigError with all mistakes.
    """
    with errors.reading("overrides"):
        values = dict(overrides) if isinstance(overrides, Mapping) else {}
        texts = [overrides] if isinstance(overrides, str) else [] if values else list(overrides)
        texts = [text for text in texts if text.partition("=")[0].strip() not in (fields or {})]
        texts += [show_override(path, to_plain(value))
                  for path, value in {**values, **(fields or {})}.items()]
    with errors.reading("config", hint="Give the path of a search file, or its content."):
        source = ({key: to_plain(value) for key, value in config.items()}
                  if isinstance(config, Mapping) else os.fspath(config))
    settings = load_search_file(source, texts, dry_run=dry_run, paddleclas=paddleclas,
                                ppcls=known_ppcls(paddleclas))
    check_reports(settings)
    return settings


def check_all_data(settings: SearchSettings) -> None:
    """Check all data that a search can reach before its first trial: warnings are printed, errors
    raised. Images that have not changed since the last check are not read again.

    Raises DataError for data that cannot be trained on as some config of the search says.
    """
    from paddle_transfer.settings import check_data as checker  # numpy

    with ProgressBar("checking images") as progress:
        report = checker.check_data(settings, progress=progress)
    report.raise_errors()  # with the warnings
    if report.warnings:
        print(report.text(), file=sys.stderr)


def _result(settings: SearchSettings, reason: str, *, identified: bool) -> SearchResult:
    """The result in ``output_dir``; an empty one when nothing had begun before an interrupt.

    :param identified: whether what is there is known to be of this search
    """
    folder = Path(settings.output.output_dir)
    if not identified or (reason == INTERRUPTED and not (folder / "search.yaml").exists()):
        return SearchResult(folder, settings.objective.metric, reason, (), ())
    return replace(load_search(folder), reason=reason)
