"""One address into one file, resumed and retried."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from paddle_transfer.weights.errors import FetchError

CHUNK = 1 << 18
USER_AGENT = "paddle_transfer"
WORTH_A_RETRY = (408, 425, 429, 500, 502, 503, 504)


class NotThere(FetchError):
    """This address will not give the file, however often it is asked. ``host`` is set when it cannot be reached."""

    def __init__(self, message: str, host: str = ""):
        self.host = host
        super().__init__(message)


@dataclass(frozen=True)
class Network:
    """How to talk to servers; the clock's hand is handed in.

    :param attempts: without a byte gained, before an address is given up
    :param pause: seconds before the first retry; doubled each time, at most ``longest_pause``
    :param timeout: seconds of silence after which a connection counts as broken
    :param open: as ``urllib.request.OpenerDirector.open``; the default goes through the usual proxy variables
    :param progress: called with (bytes there, bytes in all or None)
    :param say: called with a line for a person
    """

    attempts: int = 5
    pause: float = 1.0
    longest_pause: float = 60.0
    timeout: float = 30.0
    sleep: Callable[[float], None] = time.sleep
    open: Callable | None = None
    progress: Callable[[int, int | None], None] = lambda there, total: None
    say: Callable[[str], None] = lambda line: None


class _Broken(Exception):
    """Worth another try. ``wait`` is what the server asked for, in seconds."""

    def __init__(self, message: str, wait: float = 0.0, unreachable: bool = False):
        self.wait, self.unreachable = wait, unreachable
        super().__init__(message)


def transfer(url: str, part: Path, network: Network) -> None:
    """Bring ``url`` into ``part``, going on from what is there of it already.

    :raises NotThere: with the last reason
    """
    host = urllib.parse.urlsplit(url).netloc
    failures, pause = 0, network.pause
    for _ in range(1000):
        before = _size(part)
        try:
            _once(url, part, network)
            return
        except _Broken as error:
            gained = _size(part) > before
            failures = 1 if gained else failures + 1
            pause = network.pause if gained else pause
            # a host that cannot be reached at all is asked twice: an offline machine should not wait for minutes
            if failures >= (min(2, network.attempts) if error.unreachable else network.attempts):
                raise NotThere(str(error), host if error.unreachable else "") from None
            wait = min(max(pause, error.wait), network.longest_pause)
            network.say(f"{url}: {error}; trying again in {wait:g} s, from byte {_size(part):,}")
            network.sleep(wait)
            pause = min(2 * pause, network.longest_pause)
    raise NotThere("broke off a thousand times")


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _note(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def forget(part: Path) -> None:
    """Remove what was downloaded so far."""
    for file in (part, _note(part)):
        file.unlink(missing_ok=True)


def _validator(url: str, part: Path) -> str | None:
    """What the server called the version that ``part`` is the beginning of; None: begin anew."""
    try:
        note = json.loads(_note(part).read_text())
        return note["validator"] if note["url"] == url and _size(part) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _once(url: str, part: Path, network: Network) -> None:
    validator = _validator(url, part)
    have = _size(part) if validator else 0
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    if have:
        headers.update({"Range": f"bytes={have}-", "If-Range": validator})
    response = _ask(urllib.request.Request(url, headers=headers), part, have, network)
    if response is None:
        return
    with response:
        start, total = _range(response, have)
        validator = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        if validator.startswith("W/"):
            validator = ""  # a weak ETag may not be used for ranges
        _note(part).write_text(json.dumps({"url": url, "validator": validator or None}))
        _copy(response, part, start=start, total=total, network=network)


def _ask(request: urllib.request.Request, part: Path, have: int, network: Network):
    """The open response; None when the server says that all of it is there already."""
    opener = network.open or urllib.request.build_opener().open
    try:
        return opener(request, timeout=network.timeout)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416 and have:
                size = re.match(r"bytes \*/(\d+)", error.headers.get("Content-Range") or "")
                if size and int(size[1]) == have:
                    return None
                forget(part)
                raise _Broken(
                    "the server's file is shorter than what is here; beginning anew") from None
            if error.code in WORTH_A_RETRY:
                asked = error.headers.get("Retry-After") or ""
                raise _Broken(f"HTTP {error.code} {error.reason}",
                              float(asked) if asked.isdigit() else 0.0) from None
            raise NotThere(f"HTTP {error.code} {error.reason}") from None
    except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise _Broken(
            f"cannot be reached: {reason}",
            unreachable=isinstance(reason, (socket.gaierror, ConnectionRefusedError))
            or "unreachable" in str(reason)) from None
    except ValueError as error:
        raise NotThere(f"is no address: {error}") from None


def _range(response, have: int) -> tuple[int, int | None]:
    """(where the answer begins, the size of the whole file or None when it is not said)."""
    length = response.headers.get("Content-Length")
    length = int(length) if length and length.isdigit() else None
    if response.status != 206:
        return 0, length
    match = re.match(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("Content-Range") or "")
    if not match or int(match[1]) != have:
        raise NotThere(
            f"asked for bytes from {have}, the server answered {response.headers.get('Content-Range')}"
        )
    return have, int(match[2]) + 1 if match[3] == "*" else int(match[3])


def _copy(response, part: Path, *, start: int, total: int | None, network: Network) -> None:
    there = start
    with open(part, "r+b" if start else "wb") as file:
        file.seek(start)
        file.truncate()
        try:
            while chunk := response.read1(CHUNK):  # read() would lose what came before a break
                file.write(chunk)
                there += len(chunk)
                network.progress(there, total)
        except (OSError, http.client.HTTPException) as error:
            if getattr(error, "errno", None) in (28, 122):  # no space left, quota
                raise
            raise _Broken(
                f"broke off after {there:,} bytes: {error or type(error).__name__}") from None
        file.flush()
        os.fsync(file.fileno())
    if total is not None and there != total:
        raise _Broken(f"sent {there:,} of {total:,} bytes")
