"""The reports that a search file may name: the result files, VisualDL, the terminal."""

from __future__ import annotations

from paddle_transfer.registry import Registry
from paddle_transfer.report.base import Report

#: A new report is one file in this room and one line here. Other packages register theirs under
#: the entry point group. The result files are part of every search, named or not.
REPORTS: Registry[type[Report]] = Registry(
    "report", group="paddle_transfer.reports", builtin={
        "files": "paddle_transfer.report.files:ResultFiles",
        "visualdl": "paddle_transfer.report.visualdl:VisualDL",
        "terminal": "paddle_transfer.report.terminal:Terminal",
    })
