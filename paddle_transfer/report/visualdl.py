"""VisualDL's record files.

What VisualDL 2.5 needs, all measured: the hyper-parameters page shows the *last* value of a
metric's tag, so the running best has a tag of its own; only the newest record file of a directory
is shown, so a directory holds one file of a fixed name; only the first hparams record of a
directory counts, and takes a key's type from the first run; bool, numpy and list values are
refused, so they become text; ``%`` in a tag raises.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paddle_transfer.hardware import writable_home
from paddle_transfer.report.runs import Pixels, Plain, Run
from paddle_transfer.report.runs_report import RunsReport

with writable_home():  # it writes there while it is imported
    from visualdl.component import base_component
    from visualdl.utils.md5_util import md5
    from visualdl.writer.record_writer import RecordWriter

RECORD_FILE = "vdlrecords.0000000001.log"  # VisualDL finds files by "vdlrecords" in their name


class VisualDLRun(Run):
    """VisualDL's own writer would print an OSError for every record and go on; it has a thread for
    every run, and waits for it."""

    def __init__(self, directory: Path):
        super().__init__(directory)
        self._path = directory / RECORD_FILE
        self._file = open(self._path, "wb")  # noqa: SIM115 (as long as the run is under way)
        self._records = RecordWriter(self._file)
        self._add(base_component.meta_data(walltime=_now()))

    def close(self) -> None:
        self._file.close()

    def flush(self) -> None:
        self._file.flush()

    def scalar(self, tag: str, value: float, step: int) -> None:
        self._add(base_component.scalar(tag.replace("%", "percent"), float(value), int(step),
                                        _now()))

    def text(self, tag: str, text: str, step: int = 0) -> None:
        self._add(base_component.text(tag, text, int(step), _now()))

    def image(self, tag: str, pixels: Pixels) -> None:
        self._add(base_component.image(tag, pixels, 0, _now()))

    def _write_hparams(self, hparams: Mapping[str, Plain], metric_tag: str) -> None:
        self._add(base_component.hparam(md5(str(self._path)), dict(hparams), [metric_tag], _now()))

    def _add(self, record: Any) -> None:
        self._records.write(record.SerializeToString())


class VisualDL(RunsReport):
    """Writes ``<output_dir>/vdl``."""

    name = "visualdl"
    folder = "vdl"
    kind = VisualDLRun


def _now() -> int:
    """Milliseconds."""
    return round(1000 * time.time())
