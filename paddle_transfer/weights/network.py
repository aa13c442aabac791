"""How servers are talked to, and how much they may send."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from dataclasses import dataclass

from paddle_transfer.weights.errors import Unavailable


def _ignore(*_: object) -> None:
    pass


@dataclass(frozen=True)
class Network:
    """How to talk to servers.

    :param attempts: that gain next to nothing, before an address is given up
    :param pause: seconds before the first retry; doubled each time, at most ``longest_pause``
    :param timeout: seconds of silence after which a connection counts as broken
    :param least, window: fewer than ``least`` bytes in ``window`` seconds are next to nothing
    :param max_bytes: of a file; None: see ``fetch``
    :param sleep: waits some seconds; may raise
    :param clock: the time in seconds
    :param open: as ``urllib.request.OpenerDirector.open``; the default goes through the usual proxy
        variables
    :param progress: called with (bytes received, bytes in all or None)
    :param log: called with a line for the user
    """

    attempts: int = 5
    pause: float = 1.0
    longest_pause: float = 60.0
    timeout: float = 30.0
    least: int = 60 << 10
    window: float = 60.0
    max_bytes: int | None = None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    open: Callable[..., http.client.HTTPResponse] | None = None
    progress: Callable[[int, int | None], None] = _ignore
    log: Callable[[str], None] = _ignore


@dataclass(frozen=True)
class Limit:
    """The most bytes that a file may have, and ``why``."""

    size: int
    why: str

    def check(self, size: int | None) -> None:
        """Raises Unavailable when ``size`` is beyond it."""
        if size is not None and size > self.size:
            raise Unavailable(f"sends more than {self.size:,} bytes, which is {self.why}")
