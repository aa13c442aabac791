"""A search on disk without its trainings: the study, the trials' folders and the result files."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from paddle_transfer.config.load import dump_yaml
from paddle_transfer.loop.context import note_context
from paddle_transfer.loop.saved_search import write_settings
from paddle_transfer.report.files import ResultFiles
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.study.records import TrialRecord
from paddle_transfer.study.store import open_store
from paddle_transfer.study.trial_folder import TrialFolder
from tests.helpers.records import ranker_of


def write_study(settings: SearchSettings, records: Sequence[TrialRecord], *,
                reason: str | None = "max_iter (6) suggestions were evaluated",
                soup: dict[str, Any] | None = None) -> Path:
    """Write the search of ``settings`` with ``records``, whose numbers count from 0; its folder.

    :param reason: why it ended; None: it runs
    """
    root = Path(settings.output.output_dir)
    root.mkdir(parents=True, exist_ok=True)
    write_settings(settings)
    with closing(open_store(output_dir=root, space=settings.search_space.space)) as store:
        note_context(store, {}, {}, settings.base.options)
        for record in records:
            _add(store, record)
            _write_folder(root, record, settings)
        told = store.records()
    files = ResultFiles(settings, ranker=ranker_of(settings))
    files.search_started(told)
    if reason is not None:
        files.search_ended(told, reason)
    if soup is not None:
        files.soup_ended(soup)
    return root


def _add(store: Any, record: TrialRecord) -> None:
    if record.reused is not None:
        original = store.records()[record.reused]
        store.reuse(suggestion=record.suggestion, original=original)
        return
    store.create(suggestion=record.suggestion, proposal=record.proposal, seed=record.seed)
    store.begin(record.number)
    for epoch, value in record.curve:
        store.report_epoch(record.number, epoch=epoch, value=value)
    if record.finished:
        store.finish(record.number, state=record.state, value=record.value, info=record.info)


def _write_folder(root: Path, record: TrialRecord, settings: SearchSettings) -> None:
    """Trial n began n minutes after noon of a day, and took one."""
    if record.reused is not None:
        return
    folder = TrialFolder.of(root, record.number)
    folder.path.mkdir(parents=True)
    dump_yaml(settings.stages.config(record.proposal, ()), str(folder.config))
    folder.log.write_text("a log\n")
    if record.finished:
        folder.result.write_text(json.dumps({"number": record.number}))
    for file, minutes in ((folder.config, 0), (folder.log, 1), (folder.result, 1)):
        time = 1_800_000_000 + 60 * (record.number + minutes)
        if file.exists():
            os.utime(file, (time, time))
