"""One address into one file: a single version of it, resumed and retried, of bounded size and pace.
"""

from __future__ import annotations

import errno
import http.client
import os
import re
import shutil
import socket
import ssl
import urllib.error
import urllib.request
from pathlib import Path

from paddle_transfer.errors import is_disk_full, one_line
from paddle_transfer.weights.answer import (
    OtherVersion,
    Version,
    read_answer,
    save_version,
    saved_version,
)
from paddle_transfer.weights.connection import Pace, TooMuch, TooSlow, make_opener
from paddle_transfer.weights.errors import Unavailable, Unreachable
from paddle_transfer.weights.network import Limit, Network

CHUNK = 1 << 18
#: Bytes that an attempt must gain not to count as failed: a server may send five and break off.
LEAST_GAIN = 4096
MAX_BREAKS = 1000
USER_AGENT = "paddle_transfer"
TRANSIENT = (408, 425, 429, 500, 502, 503, 504)


class _Broken(Exception):
    """Worth another try. ``wait``: the seconds that the server asked for; ``slow``: what came
    does not count."""

    def __init__(self, message: str, wait: float = 0.0, unreachable: bool = False,
                 slow: bool = False):
        self.wait, self.unreachable, self.slow = wait, unreachable, slow
        super().__init__(one_line(message, 300))


def download(url: str, part: Path, network: Network, limit: Limit) -> None:
    """Bring ``url`` into ``part``, going on from what is there of it already. What a server sends
    of another version replaces it; when that happens twice, it is an error.

    :raises Unavailable: with the last reason
    """
    failures, pause, anew = 0, network.pause, False
    for _ in range(MAX_BREAKS):
        before = _size(part)
        try:
            _attempt(url, part, network, limit)
            return
        except OtherVersion as error:
            discard(part)
            if anew:
                raise Unavailable(f"{error}, and again after beginning anew") from None
            anew = True
            network.log(f"{url}: {error}; beginning anew")
        except _Broken as error:
            if _size(part) >= before + LEAST_GAIN and not error.slow:
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


def _attempt(url: str, part: Path, network: Network, limit: Limit) -> None:
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    have = _size(part)
    known = saved_version(_state_path(part), url) if have else None
    if known is None:
        have = 0
    elif known.total is not None and have >= known.total:
        if have == known.total:
            return  # it broke off behind the last byte
        raise OtherVersion("more is here than the server has")
    else:
        headers.update({"Range": f"bytes={have}-", "If-Range": known.validator})
    request = urllib.request.Request(url, headers=headers)
    most = 2 * limit.size + (1 << 20)  # with headers and what surrounds chunks
    response = _open(request, have, known, most, network)
    if response is None:
        return
    with response:
        start, version = read_answer(response, url, have, known)
        _check_room(part, start, version.total, limit)
        if not start:
            part.unlink(missing_ok=True)
            save_version(_state_path(part), url, version)
        _copy(response, part, start=start, total=version.total, limit=limit, network=network)


def _open(request: urllib.request.Request, have: int, known: Version | None, most: int,
          network: Network) -> http.client.HTTPResponse | None:
    """The open response; None when the server says that what is here is all of it.

    :param have, known: bytes and version of what is here, where it is to go on
    :param most: bytes that the server may send in all
    """
    pace = Pace(network.least, network.window, most, network.clock)
    opener = network.open or make_opener(pace)
    try:
        return opener(request, timeout=network.timeout)
    except urllib.error.HTTPError as error:
        with error:
            reason = one_line(f"HTTP {error.code} {error.reason}", 300)
            if error.code == 416 and known is not None:
                size = re.fullmatch(r"bytes \*/([0-9]{1,18})",
                                    error.headers.get("Content-Range") or "")
                etag = error.headers.get("ETag") or known.etag
                if size and int(size[1]) == have and etag == known.etag and known.total is None:
                    return None
                raise OtherVersion("the server's file is shorter than what is here") from None
            if error.code not in TRANSIENT:
                raise Unavailable(reason) from None
            asked = error.headers.get("Retry-After") or ""
            raise _Broken(reason, float(asked) if asked.isdecimal() else 0.0) from None
    except (http.client.InvalidURL, ValueError) as error:
        raise Unavailable(f"is no address: {one_line(error, 200)}") from None
    except (OSError, http.client.HTTPException) as error:
        cause = getattr(error, "reason", error)
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise Unavailable(f"is not trusted: {one_line(cause, 300)}") from None
        if isinstance(cause, TooMuch):
            raise Unavailable(str(cause)) from None
        raise _Broken(f"cannot be reached: {cause}", unreachable="unreachable" in str(cause)
                      or isinstance(cause, (socket.gaierror, ConnectionRefusedError)),
                      slow=isinstance(cause, TooSlow)) from None


def _check_room(part: Path, start: int, total: int | None, limit: Limit) -> None:
    """Raises Unavailable, or OSError (ENOSPC), when the file is too big for the limit or disk."""
    limit.check(total)
    free = shutil.disk_usage(part.parent).free + (0 if start else _size(part))
    if total is not None and total - start > free:
        raise OSError(errno.ENOSPC, f"{total - start:,} bytes are needed, but {free:,} are free",
                      str(part.parent))


def _copy(response: http.client.HTTPResponse, part: Path, *, start: int, total: int | None,
          limit: Limit, network: Network) -> None:
    """Append the answer to the first ``start`` bytes of ``part``."""
    received = start
    with open(part, "r+b" if start else "wb") as file:
        file.seek(start)
        file.truncate()
        try:
            while chunk := response.read1(CHUNK):  # read() would lose what came before a break
                received += len(chunk)
                limit.check(received)
                file.write(chunk)
                network.progress(received, total)
        except (OSError, http.client.HTTPException) as error:
            if is_disk_full(error):
                raise
            if isinstance(error, TooMuch):
                raise Unavailable(str(error)) from None
            raise _Broken(f"broke off after {received:,} bytes: {error or type(error).__name__}",
                          slow=isinstance(error, TooSlow)) from None
        file.flush()
        os.fsync(file.fileno())
    if total is not None and received > total:
        raise OtherVersion(f"sent {received:,} bytes instead of {total:,}")
    if total is not None and received != total:
        raise _Broken(f"sent {received:,} of {total:,} bytes")
