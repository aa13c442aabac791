"""Ctrl-C and SIGTERM: the first asks the search to stop, the second ends it at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


class Unidentified(KeyboardInterrupt):
    """A search was stopped before it was known whether what is in its folder is its own."""


@contextmanager
def unidentified() -> Iterator[None]:
    """Turns KeyboardInterrupt into Unidentified."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Unidentified from error


class Interrupts:
    """A context manager; it does nothing outside of the main thread, where there are no signals.

    After the first signal ``asked`` is true and the search ends at its next turn; a second one ends
    this process there and then (workers die with it; what is on disk is always whole).

    :param signals: what is watched
    :param exits: False: a second signal raises KeyboardInterrupt; the process is not the search's
    """

    def __init__(self, signals: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGTERM), *,
                 exits: bool = True) -> None:
        self.signal: int | None = None
        self._watched, self._exits = tuple(signals), exits
        self._before: dict[int, Any] = {}  # what signal.signal returns

    def asked(self) -> bool:
        return self.signal is not None

    def pause(self, seconds: float) -> None:
        """Sleep. Raises KeyboardInterrupt once asked to stop."""
        time.sleep(seconds)
        if self.asked():
            raise KeyboardInterrupt

    @property
    def exit_code(self) -> int:
        """128 and the signal's number: 130 after Ctrl-C, 143 after SIGTERM."""
        assert self.signal is not None
        return 128 + self.signal

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in self._watched}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _frame: object) -> None:
        if self.signal is not None:
            if not self._exits:
                raise KeyboardInterrupt
            os._exit(128 + number)
        self.signal = number
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2,
                 b"\nStopping (once more: at once) ...\n")
