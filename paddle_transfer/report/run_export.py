"""The runs of a search that has been, for the tools that show trainings."""

from __future__ import annotations

import os
from pathlib import Path

from paddle_transfer.errors import SetupError
from paddle_transfer.loop.lock import DirectoryLock
from paddle_transfer.loop.saved_ranking import read_json
from paddle_transfer.report.html.data import read_search_data
from paddle_transfer.report.registry import FORMATS, REPORTS, install, lacking
from paddle_transfer.report.run_folder import RunFolder
from paddle_transfer.report.runs_report import RunsReport
from paddle_transfer.report.winner_run import write_winner


def write_runs(output_dir: str | os.PathLike[str], name: str) -> Path:
    """Write what the report ``name`` of ``FORMATS`` would have written in the search in
    ``output_dir``; returns the folder. Of the epochs there are the metrics only: a study keeps no
    losses.

    Raises StudyError: there is no search, or it is running; SetupError: a package is missing;
    OSError: the folder cannot be written.
    """
    if package := lacking(name):
        raise SetupError(f"{name}: needs {package}, which is not installed. {install(name)}")
    kind = REPORTS[name]
    assert issubclass(kind, RunsReport), f"{name} is one of {FORMATS}"
    read_search_data(output_dir)  # before anything is written where there is none
    with DirectoryLock(output_dir):
        data = read_search_data(output_dir)
        runs = RunFolder(data.output_dir / kind.folder, kind.kind, metric=data.metric,
                         space=data.saved.space)
        search = runs.begin("search")
        runs.catch_up(data.records, search)
        runs.end_search(data.ended or "not ended")
        final, soup = read_json(data.output_dir / "final.json"), data.told.get("soup")
        if final:
            runs.write_final(final)
        if soup:
            runs.write_soup(soup)
        write_winner(runs, data)
    return runs.root
