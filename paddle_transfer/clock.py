"""A clock for timeouts, budgets and intervals that jumps do not disturb."""

from __future__ import annotations

import time
from collections.abc import Callable

#: The most seconds that count between two readings. They are half a second apart while a search
#: runs: more is a machine that slept, a process that was stopped, or a clock that was set.
LONGEST = 60.0


class SteadyClock:
    """Seconds since it was made, of ``clock`` without its jumps: it never goes back.

    :param clock: seconds
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock, self._last, self._seconds = clock, clock(), 0.0

    def __call__(self) -> float:
        now = self._clock()
        self._seconds += min(max(0.0, now - self._last), LONGEST)
        self._last = now
        return self._seconds
