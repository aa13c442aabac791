"""One line on a terminal that is drawn again; silent when the output is no terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO


class Bar:
    """``bar(done, total)`` as often as you like; drawn at most ten times a second and at the end."""
    def __init__(self, title: str, *, stream: TextIO | None = None,
                 clock: Callable[[], float] = time.monotonic):
        self.title, self.stream, self.clock = title, stream or sys.stderr, clock
        self.started = self.last = clock()
        self.shown = self.stream.isatty()

    def __call__(self, done: int, total: int) -> None:
        now = self.clock()
        if not self.shown or (done < total and now - self.last < 0.1):
            return
        self.last = now
        seconds = now - self.started
        left = f", {seconds / done * (total - done):.0f} s left" if 0 < done < total else f", {seconds:.1f} s"
        filled = 30 * done // max(total, 1)
        self.stream.write(
            f"\r{self.title} [{'#' * filled}{'.' * (30 - filled)}] {done}/{total}{left}\x1b[K" +
            ("\n" if done >= total else ""))
        self.stream.flush()
