"""A progress bar on a terminal, a line per tenth elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO


class ProgressBar:
    """Call it with (bytes there, bytes in all or None); ``close`` ends the line."""

    def __init__(self, title: str, *, stream: TextIO | None = None,
                 clock: Callable[[], float] = time.monotonic):
        self.title, self.stream, self.clock = title, stream or sys.stderr, clock
        self.terminal = self.stream.isatty()
        self.began: float | None = None
        self.first = 0
        self.shown = -1.0
        self.open = False

    def __call__(self, there: int, total: int | None) -> None:
        now = self.clock()
        if self.began is None:
            self.began, self.first = now, there
        done = bool(total) and there >= total
        if self.terminal:
            if now - self.shown < 0.1 and not done:
                return
            self.shown = now
            self.stream.write(f"\r{self._text(there, total, now)}\x1b[K")
            self.open = True
        else:
            tenth = 10 * there // total if total else there // (50 << 20)
            if tenth <= self.shown:
                return
            self.shown = tenth
            self.stream.write(self._text(there, total, now) + "\n")
        self.stream.flush()

    def _text(self, there: int, total: int | None, now: float) -> str:
        seconds = max(now - self.began, 1e-6)
        speed = (there - self.first) / seconds
        if not total:
            return f"{self.title}: {there / 1e6:.1f} MB"
        bar = "#" * (20 * there // total)
        left = f", {(total - there) / speed:.0f} s left" if speed > 0 and there < total else ""
        return (
            f"{self.title}: {100 * there // total:3d} % [{bar:<20}] {there / 1e6:.1f} of {total / 1e6:.1f} MB, "
            f"{speed / 1e6:.1f} MB/s{left}")

    def close(self) -> None:
        if self.open:
            self.stream.write("\n")
            self.open = False
