"""Progress on a terminal or in a notebook, by rich; plain lines, or nothing, everywhere else."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, TextIO, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

T = TypeVar("T")

#: Seconds between two redraws of a bar.
REDRAW = 0.1
#: A download of unknown length gets a line in a log every so many bytes.
LOG_STEP = 50 << 20


class LiveConsole(Console):
    """A console that never hides the cursor: a process that is killed would not show it again."""

    def show_cursor(self, show: bool = True) -> bool:  # noqa: ARG002
        return False


def live_console(stream: TextIO) -> Console | None:
    """The console that can redraw what it shows on ``stream``: a terminal, or a notebook that has
    ipywidgets. None for a file, a pipe, a terminal that cannot move its cursor (``TERM=dumb``) and
    the log of a CI (``CI=true``), which get plain lines. With ``NO_COLOR`` it has no colours."""
    if stream.isatty():
        return None if _keeps_lines() else LiveConsole(file=stream, highlight=False)
    if stream in (sys.stdout, sys.stderr) and importlib.util.find_spec("ipywidgets"):
        notebook = LiveConsole(highlight=False)
        return notebook if notebook.is_jupyter else None
    return None


def _keeps_lines() -> bool:
    """Whether what this process shows is a log, even on a terminal."""
    return (os.environ.get("TERM", "").lower() in ("dumb", "unknown")
            or os.environ.get("CI", "").lower() not in ("", "0", "false"))


class ProgressBar:
    """A bar that is redrawn at most ten times a second; call it with (done, total or None).

    :param unit: ``bytes`` shows megabytes and speed, ``items`` counts
    :param lines: without a terminal, write a line for every tenth; else nothing is written there
    :param leaves: whether the bar stays on the screen
    :param stream: standard error by default
    :param clock: seconds, monotonic
    """

    def __init__(self, title: str, *, unit: Literal["bytes", "items"] = "items",
                 lines: bool = False, leaves: bool = True, stream: TextIO | None = None,
                 clock: Callable[[], float] = time.monotonic):
        self.title, self.stream, self.clock = title, stream or sys.stderr, clock
        self._unit, self._lines, self._leaves = unit, lines, leaves
        self._console = live_console(self.stream)
        self._progress: Progress | None = None
        self._now = self._drawn = -1.0
        self._tenths = -1
        self._ended: tuple[int, int | None] | None = None  # what the last whole bar has counted
        self._started: tuple[float, int] | None = None  # seconds, bytes there already

    def __call__(self, done: int, total: int | None) -> None:
        if self._console is not None:
            self._draw(self._console, done, total)
        elif self._lines:
            self._write_line(done, total)

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the bar as it is and end its line; a second time does nothing. What is counted
        after that gets a bar of its own."""
        if self._progress is not None:
            self._progress.stop()
        self._progress = None

    def _draw(self, console: Console, done: int, total: int | None) -> None:
        self._now, complete = self.clock(), total is not None and done >= total
        if self._progress is None and (done, total) == self._ended:
            return
        if self._progress is None:
            self._progress = Progress(*self._columns(), console=console, auto_refresh=False,
                                      get_time=lambda: self._now, redirect_stdout=False,
                                      transient=not self._leaves)
            self._progress.start()
            self._progress.add_task(self.title, total=total, completed=done)
        elif self._now - self._drawn < REDRAW and not complete:
            return
        self._drawn = self._now
        self._progress.update(self._progress.task_ids[0], completed=done, total=total, refresh=True)
        if complete:
            self._ended = done, total
            self.close()

    def _columns(self) -> list[ProgressColumn]:
        size = ([DownloadColumn(), TransferSpeedColumn()] if self._unit == "bytes"
                else [MofNCompleteColumn()])
        return [TextColumn("{task.description}", markup=False), BarColumn(bar_width=30), *size,
                TimeRemainingColumn()]

    def _write_line(self, done: int, total: int | None) -> None:
        now = self.clock()
        started, there = self._started = self._started or (now, done)
        tenths = 10 * done // total if total else done // LOG_STEP
        if tenths > self._tenths:
            self._tenths = tenths
            speed = (done - there) / max(now - started, 1e-6)
            text = _bytes_text if self._unit == "bytes" else _items_text
            self.stream.write(f"{self.title}: {text(done, total, speed)}\n")
            self.stream.flush()


def tracked(items: Iterable[T], total: int, title: str, *, lines: bool = False,
            leaves: bool = True, size: Callable[[T], int] = lambda _item: 1) -> Iterator[T]:
    """``items``, with a ``ProgressBar`` of those that have been used.

    :param total: the sum of their sizes
    """
    with ProgressBar(title, lines=lines, leaves=leaves) as bar:
        done = 0
        for item in items:
            yield item
            done += size(item)
            bar(done, total)


def _bytes_text(done: int, total: int | None, speed: float) -> str:
    """``50 % [##########          ] 50.0 of 100.0 MB, 16.0 MB/s, 3 s left``; speed: bytes/s."""
    if not total:
        return f"{done / 1e6:.1f} MB"
    return (f"{_bar(done, total)} {done / 1e6:.1f} of {total / 1e6:.1f} MB, {speed / 1e6:.1f} MB/s"
            f"{_left(done, total, speed)}")


def _items_text(done: int, total: int | None, speed: float) -> str:
    """``50 % [##########          ] 50 of 100, 3 s left``; speed: items/s."""
    if not total:
        return str(done)
    return f"{_bar(done, total)} {done} of {total}{_left(done, total, speed)}"


def _bar(done: int, total: int) -> str:
    return f"{100 * done // total:3d} % [{'#' * (20 * done // total):<20}]"


def _left(done: int, total: int, speed: float) -> str:
    return f", {(total - done) / speed:.0f} s left" if speed > 0 and done < total else ""
