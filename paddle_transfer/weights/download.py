"""One address into one file, resumed and retried."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from paddle_transfer.errors import is_disk_full
from paddle_transfer.weights.errors import FetchError

CHUNK = 1 << 18
MAX_BREAKS = 1000
USER_AGENT = "paddle_transfer"
TRANSIENT = (408, 425, 429, 500, 502, 503, 504)


class Unavailable(FetchError):
    """This address will not give the file, however often it is asked."""


class Unreachable(Unavailable):
    """Nor will any other address of the same host, which cannot be reached."""


def _ignore(*_: object) -> None:
    pass


@dataclass(frozen=True)
class Network:
    """How to talk to servers.

    :param attempts: without a byte gained, before an address is given up
    :param pause: seconds before the first retry; doubled each time, at most ``longest_pause``
    :param timeout: seconds of silence after which a connection counts as broken
    :param sleep: waits some seconds; may raise
    :param open: as ``urllib.request.OpenerDirector.open``; the default goes through the usual proxy
        variables
    :param progress: called with (bytes received, bytes in all or None)
    :param log: called with a line for the user
    """

    attempts: int = 5
    pause: float = 1.0
    longest_pause: float = 60.0
    timeout: float = 30.0
    sleep: Callable[[float], None] = time.sleep
    open: Callable[..., http.client.HTTPResponse] | None = None
    progress: Callable[[int, int | None], None] = _ignore
    log: Callable[[str], None] = _ignore


class _Broken(Exception):
    """Worth another try. ``wait``: the seconds that the server asked for."""

    def __init__(self, message: str, wait: float = 0.0, unreachable: bool = False):
        self.wait, self.unreachable = wait, unreachable
        super().__init__(message)


def download(url: str, part: Path, network: Network) -> None:
    """Bring ``url`` into ``part``, going on from what is there of it already.

    :raises Unavailable: with the last reason
    """
    failures, pause = 0, network.pause
    for _ in range(MAX_BREAKS):
        before = _size(part)
        try:
            _attempt(url, part, network)
            return
        except _Broken as error:
            if _size(part) > before:
                failures, pause = 0, network.pause
            failures += 1
            # a host that cannot be reached is asked twice: a user offline should not wait minutes
            if failures >= (min(2, network.attempts) if error.unreachable else network.attempts):
                raise (Unreachable if error.unreachable else Unavailable)(str(error)) from None
            wait = min(max(pause, error.wait), network.longest_pause)
            network.log(f"{url}: {error}; trying again in {wait:g} s, from byte {_size(part):,}")
            network.sleep(wait)
            pause = min(2 * pause, network.longest_pause)
    raise Unavailable(f"broke off {MAX_BREAKS} times")


def discard(part: Path) -> None:
    """Remove what was downloaded so far."""
    for file in (part, _state_path(part)):
        file.unlink(missing_ok=True)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _state_path(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _saved_validator(url: str, part: Path) -> str:
    """The validator (ETag or date) of the version that ``part`` begins; empty: begin anew."""
    try:
        state = json.loads(_state_path(part).read_text())
        return str(state["validator"] or "") if state["url"] == url and _size(part) else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _attempt(url: str, part: Path, network: Network) -> None:
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    validator, have = _saved_validator(url, part), 0
    if validator:
        have = _size(part)
        headers.update({"Range": f"bytes={have}-", "If-Range": validator})
    response = _open(urllib.request.Request(url, headers=headers), part, have, network)
    if response is None:
        return
    with response:
        start, total = _content_range(response, have)
        validator = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        if validator.startswith("W/"):
            validator = ""  # a weak ETag may not be used for ranges
        _state_path(part).write_text(json.dumps({"url": url, "validator": validator or None}))
        _copy(response, part, start=start, total=total, network=network)


def _open(request: urllib.request.Request, part: Path, have: int,
          network: Network) -> http.client.HTTPResponse | None:
    """The open response; None when the server says that ``part`` is all of it.

    :param have: the size of ``part``, where it is to go on
    """
    opener = network.open or urllib.request.build_opener().open
    try:
        return opener(request, timeout=network.timeout)
    except urllib.error.HTTPError as error:
        with error:
            reason = f"HTTP {error.code} {error.reason}"
            if error.code == 416 and have:
                size = re.match(r"bytes \*/(\d+)", error.headers.get("Content-Range") or "")
                if size and int(size[1]) == have:
                    return None
                discard(part)
                reason = "the server's file is shorter than what is here; beginning anew"
            elif error.code not in TRANSIENT:
                raise Unavailable(reason) from None
            asked = error.headers.get("Retry-After") or ""
            raise _Broken(reason, float(asked) if asked.isdecimal() else 0.0) from None
    except (OSError, http.client.HTTPException) as error:
        cause = getattr(error, "reason", error)
        raise _Broken(f"cannot be reached: {cause}", unreachable="unreachable" in str(cause)
                      or isinstance(cause, (socket.gaierror, ConnectionRefusedError))) from None
    except ValueError as error:
        raise Unavailable(f"is no address: {error}") from None


def _content_range(response: http.client.HTTPResponse, have: int) -> tuple[int, int | None]:
    """(where the answer begins, the size of the whole file or None when it is not said)."""
    length = response.headers.get("Content-Length") or ""
    if response.status != 206:
        return 0, int(length) if length.isdecimal() else None
    found = response.headers.get("Content-Range") or ""
    match = re.match(r"bytes (\d+)-(\d+)/(\d+|\*)", found)
    if not match or int(match[1]) != have:
        raise Unavailable(f"asked for bytes from {have}, the server answered {found or None}")
    return have, int(match[2]) + 1 if match[3] == "*" else int(match[3])


def _copy(response: http.client.HTTPResponse, part: Path, *, start: int, total: int | None,
          network: Network) -> None:
    """Append the answer to the first ``start`` bytes of ``part``."""
    received = start
    with open(part, "r+b" if start else "wb") as file:
        file.seek(start)
        file.truncate()
        try:
            while chunk := response.read1(CHUNK):  # read() would lose what came before a break
                file.write(chunk)
                received += len(chunk)
                network.progress(received, total)
        except (OSError, http.client.HTTPException) as error:
            if is_disk_full(error):
                raise
            raise _Broken(f"broke off after {received:,} bytes: "
                          f"{error or type(error).__name__}") from None
        file.flush()
        os.fsync(file.fileno())
    if total is not None and received != total:
        raise _Broken(f"sent {received:,} of {total:,} bytes")
