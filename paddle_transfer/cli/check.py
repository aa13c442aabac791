"""What ``tools/check_data.py`` does and says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from paddle_transfer.checks.checker import check_config
from paddle_transfer.config.load import apply_overrides, load_yaml
from paddle_transfer.progress import ProgressBar


def run(arguments) -> int:
    """Check, show, write the sheet. Returns 1 when there are errors, else 0."""
    config = apply_overrides(load_yaml(arguments.config), arguments.override)
    report = check_config(config, file=arguments.config, processes=arguments.processes,
                          cache_folder=Path(arguments.cache) if arguments.cache else None,
                          max_leak=arguments.max_leak, progress=ProgressBar("images"))
    if arguments.json:
        print(json.dumps(report.as_dict()))
    else:
        print(report.text(limit=0 if arguments.all else 20))
    if arguments.sheet:
        from paddle_transfer.checks.contact_sheet import write_sheet

        print(write_sheet(config, arguments.sheet, paddleclas=arguments.paddleclas),
              file=sys.stderr)
    elif not arguments.json:
        print("--sheet FILE.png draws samples of each class as training sees them")
    return int(bool(report.errors))


def before_search(config: dict, *, file: str) -> None:
    """The check of a search's data, before its first trial: warnings are shown, errors raised. Images that have not
    changed since the last check are not looked at again.

    :raises DataError: for data that cannot be trained on as the config says
    """
    report = check_config(config, file=file, progress=ProgressBar("images"))
    report.raise_errors()  # with the warnings
    if report.warnings:
        print(report.text(), file=sys.stderr)
