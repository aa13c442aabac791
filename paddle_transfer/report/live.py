"""What is redrawn on a terminal or in a notebook while a search runs, by rich."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Column, Table
from rich.text import Text

from paddle_transfer.report.formatting import duration

#: Seconds between two redraws where nothing has happened but that time went by.
REDRAW = 1.0
#: Seconds between two epochs that were not trained but told again.
AT_ONCE = 0.05
#: Columns of a terminal from which the table has the best value, the seconds of an epoch and those
#: gone, and those from which it has the device, too.
MIDDLE, WIDE = 70, 100
_SETTING = "setting"


@dataclass
class Running:
    """An attempt of a trial that runs.

    :param epochs: of the whole training; None: not known
    :param begun: when the attempt began, in seconds
    :param reports: (when, epoch, metric) of the first report and of the last one
    :param resumed: whether earlier epochs were told at once, as after a checkpoint: they took no
        time here
    """

    setting: str
    device: str
    epochs: int | None
    begun: float
    reports: list[tuple[float, int, float]] = field(default_factory=list)
    best: float = float("-inf")
    resumed: bool = False

    def report(self, when: float, epoch: int, value: float) -> None:
        if self.reports and when - self.reports[-1][0] < AT_ONCE:
            self.reports, self.resumed = [], True
        self.reports = [*self.reports[:1], (when, epoch, value)]
        self.best = max(self.best, value)

    @property
    def seconds_per_epoch(self) -> float | None:
        """Between the reports; while there is one, since the begin. None where neither is known."""
        if not self.reports or (self.resumed and len(self.reports) == 1):
            return None
        since, first, _ = self.reports[0] if len(self.reports) > 1 else (self.begun, 0, 0.0)
        when, epoch, _ = self.reports[-1]
        return (when - since) / max(epoch - first, 1)

    def left(self, now: float) -> float | None:
        """Seconds to the end; None where that is not known."""
        each = self.seconds_per_epoch
        if each is None or self.epochs is None:
            return None
        when, epoch, _ = self.reports[-1]
        return max(each * (self.epochs - epoch) - (now - when), 0.0)


class LiveTrials:
    """A table of the running trials; below it a bar of the finished ones, and what going on is
    expected to gain.

    :param metric: its name
    :param clock: seconds, monotonic
    """

    def __init__(self, console: Console, *, metric: str = "metric",
                 clock: Callable[[], float] = time.monotonic):
        self.console, self._metric, self._clock = console, metric, clock
        self._running: dict[int, Running] = {}
        self._going_on = ""
        # a narrow terminal shortens the bar, then wraps the description: not what is no_wrap
        self._bar = Progress(
            TextColumn("trials", table_column=Column(no_wrap=True)), BarColumn(bar_width=24),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            TextColumn("{task.description}", markup=False, table_column=Column()))
        self._task = self._bar.add_task("", total=None)
        # drawn when something happens, without a thread; errors that go elsewhere stay there
        self._live = Live(get_renderable=self._content, console=console, auto_refresh=False,
                          redirect_stdout=console.file is sys.stdout,
                          redirect_stderr=sys.stderr.isatty())
        self._drawn = clock()
        self._live.start()

    def show(self, done: int, total: int, standing: Sequence[str], going_on: str = "") -> None:
        """Draw the number of finished trials, the trials at most, texts beside them, and what
        going on is expected to gain."""
        self._bar.update(self._task, completed=done, total=total, description=" | ".join(standing))
        self._going_on = going_on
        self._draw()

    def begin_trial(self, number: int, setting: str, *, device: str = "",
                    epochs: int | None = None) -> None:
        self._running[number] = Running(setting, device, epochs, self._clock())
        self._draw()

    def show_epoch(self, number: int, epoch: int, value: float) -> None:
        """Draw the last epoch of the running trial ``number``."""
        if number in self._running:
            self._running[number].report(self._clock(), epoch, value)
            self._draw()

    def end_trial(self, number: int) -> None:
        self._running.pop(number, None)

    def pass_time(self) -> None:
        """Draw what the clock alone changes."""
        if self._running and self._clock() - self._drawn >= REDRAW:
            self._draw()

    def print(self, text: str) -> None:
        """Print lines above what is redrawn; long ones are left to the terminal to wrap."""
        self.console.print(Text(text), soft_wrap=True)

    def close(self) -> None:
        """Leave the bar on the screen."""
        self._running, self._going_on = {}, ""
        self._live.stop()

    def _draw(self) -> None:
        self._drawn = self._clock()
        self._live.refresh()

    def _content(self) -> Group:
        parts: list[RenderableType] = [self._table()] if self._running else []
        parts.append(self._bar)
        if self._going_on:
            parts.append(Text(self._going_on, style="dim"))
        return Group(*parts)

    def _table(self) -> Table:
        width, now = self.console.width, self._clock()
        rows = [(number, self._running[number]) for number in sorted(self._running)]
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
        shown = {"trial": True, "epoch": True, self._metric: True, "best": width >= MIDDLE,
                 "s/epoch": width >= MIDDLE, "gone": width >= MIDDLE, "left": True,
                 "device": width >= WIDE and any(one.device[:3] != "cpu" for _, one in rows)}
        for name, wanted in shown.items():
            if wanted:
                table.add_column(name, no_wrap=True, justify="left" if name == "device" else
                                 "right")
        table.add_column(_SETTING)  # the one that a narrow terminal shortens
        for number, one in rows:
            cells = _cells(number, one, now)
            table.add_row(*(cell for cell, wanted in zip(cells, shown.values(), strict=True)
                            if wanted), Text(one.setting, no_wrap=True, overflow="ellipsis"))
        return table


def _cells(number: int, one: Running, now: float) -> list[str]:
    """Trial, epoch, metric, best metric, seconds an epoch, time gone, time left, device."""
    each, left = one.seconds_per_epoch, one.left(now)
    _, epoch, value = one.reports[-1] if one.reports else (0.0, 0, None)
    return [str(number), f"{epoch}/{'?' if one.epochs is None else one.epochs}",
            *("" if value is None else f"{number:.4f}" for number in (value, one.best)),
            "" if each is None else f"{each:.1f}", duration(now - one.begun),
            "" if left is None else duration(left), one.device]


def rich_table(rows: Sequence[Sequence[str]], *, names: Collection[str], width: int) -> Table:
    """The leaderboard; the first of ``rows`` is its header, the first of the others stands out.
    Where it is wider than the terminal, each setting stands in one column, which wraps.

    :param names: the columns of the hyperparameters
    :param width: of the terminal
    """
    table = Table(box=SIMPLE_HEAD)
    if sum(max(map(cell_len, column)) + 3 for column in zip(*rows, strict=True)) > width:
        rows = _narrow(rows, names)
    for name in rows[0]:
        table.add_column(name, no_wrap=name != _SETTING, overflow="fold")
    for number, row in enumerate(rows[1:]):
        table.add_row(*(Text(cell) for cell in row), style="bold" if number == 0 else "")
    return table


def _narrow(rows: Sequence[Sequence[str]], names: Collection[str]) -> list[list[str]]:
    """``rows`` without the least columns, and with the hyperparameters and the remark in one."""
    kept = [place for place, name in enumerate(rows[0])
            if name not in names and name not in ("estimate", "epoch", "weights", "")]
    settings = [", ".join(f"{name} {cell}".strip() for name, cell in zip(rows[0], row, strict=True)
                          if (name in names or not name) and cell) for row in rows[1:]]
    return [[*(row[place] for place in kept), setting]
            for row, setting in zip(rows, [_SETTING, *settings], strict=True)]
