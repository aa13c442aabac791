"""TensorBoard's event files, by tensorboardX: without TensorFlow or PyTorch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from tensorboardX import summary
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary

from paddle_transfer.report.runs import Pixels, Plain, Run
from paddle_transfer.report.runs_report import RunsReport


class TensorBoardRun(Run):
    """By tensorboardX's ``EventsWriter``: its ``SummaryWriter`` has a thread for every run, in
    which an OSError is lost."""

    def __init__(self, directory: Path):
        super().__init__(directory)
        self._events = EventsWriter(str(directory / "events"))

    def close(self) -> None:
        self._events.close()

    def flush(self) -> None:
        self._events.flush()

    def scalar(self, tag: str, value: float, step: int) -> None:
        self._add(summary.scalar(tag, value), step)

    def text(self, tag: str, text: str, step: int = 0) -> None:
        self._add(summary.text(tag, text.replace("\n", "  \n")), step)  # it is shown as Markdown

    def image(self, tag: str, pixels: Pixels) -> None:
        self._add(summary.image(tag, pixels, dataformats="HWC"))

    def _write_hparams(self, hparams: Mapping[str, Plain], metric_tag: str) -> None:
        for one in summary.hparams(dict(hparams), {metric_tag: 0.0}):
            self._add(one)

    def _add(self, what: Summary, step: int = 0) -> None:
        self._events.write_event(Event(wall_time=time.time(), step=step, summary=what))


class TensorBoard(RunsReport):
    """Writes ``<output_dir>/tensorboard``, for ``tensorboard --logdir``."""

    name = "tensorboard"
    folder = "tensorboard"
    kind = TensorBoardRun
