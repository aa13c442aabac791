"""What is redrawn on a terminal or in a notebook while a search runs, by rich."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text


class LiveTrials:
    """A bar of the finished trials and, below it, the last epoch of every running one."""

    def __init__(self, console: Console):
        self.console = console
        self._epochs: dict[int, str] = {}
        self._bar = Progress(TextColumn("trials"), BarColumn(), MofNCompleteColumn(),
                             TextColumn("{task.description}", markup=False))
        self._task = self._bar.add_task("", total=None)
        # drawn when something happens, without a thread; errors that go elsewhere stay there
        self._live = Live(get_renderable=self._content, console=console, auto_refresh=False,
                          redirect_stdout=console.file is sys.stdout,
                          redirect_stderr=sys.stderr.isatty())
        self._live.start()

    def show(self, done: int, total: int, standing: Sequence[str]) -> None:
        """Draw the number of finished trials, the trials at most, and texts beside them."""
        self._bar.update(self._task, completed=done, total=total, description=" | ".join(standing))
        self._live.refresh()

    def show_epoch(self, number: int, epoch: int, value: float) -> None:
        """Draw the last epoch of the running trial ``number``."""
        self._epochs[number] = f"[{number}: epoch {epoch}, {value:.4f}]"
        self._live.refresh()

    def end_trial(self, number: int) -> None:
        self._epochs.pop(number, None)

    def print(self, text: str) -> None:
        """Print lines above what is redrawn; long ones are left to the terminal to wrap."""
        self.console.print(Text(text), soft_wrap=True)

    def close(self) -> None:
        """Leave the last state on the screen."""
        self._live.stop()

    def _content(self) -> Group:
        epochs = [self._epochs[number] for number in sorted(self._epochs)]
        return Group(self._bar, Text(" ".join(epochs))) if epochs else Group(self._bar)


def rich_table(rows: Sequence[Sequence[str]]) -> Table:
    """A table of texts; the first of ``rows`` is its header, the first of the others stands out."""
    table = Table(box=SIMPLE_HEAD)
    for name in rows[0]:
        table.add_column(name)
    for number, row in enumerate(rows[1:]):
        table.add_row(*(Text(cell) for cell in row), style="bold" if number == 0 else "")
    return table
