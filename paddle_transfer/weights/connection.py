"""Connections to servers: http and https only, at a pace that ends some day."""

from __future__ import annotations

import io
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPMessage, HTTPResponse
from typing import IO, Any

from paddle_transfer.config.pretrained import fault_of_address


class TooSlow(OSError):
    """A server sends less than ``Pace`` asks for."""


class TooMuch(OSError):
    """A server sends more than ``Pace`` allows, in a body or around it."""


@dataclass
class Pace:
    """Raises TooSlow when fewer than ``least`` bytes came in ``window`` seconds, and TooMuch when
    more than ``most`` came in all.

    :param clock: the time in seconds
    """

    least: int = 60 << 10
    window: float = 60.0
    most: int = 1 << 62
    clock: Callable[[], float] = time.monotonic
    _since: float = field(default=0.0, init=False)
    _bytes: int = field(default=0, init=False)

    def start(self) -> None:
        self._since, self._bytes = self.clock(), 0

    def count(self, count: int) -> None:
        """``count`` more bytes have come."""
        self._bytes, self.most = self._bytes + count, self.most - count
        if self.most < 0:
            raise TooMuch("the server's answer does not end")
        if self.clock() - self._since < self.window:
            return
        if self._bytes < self.least:
            raise TooSlow(f"sent {self._bytes:,} bytes in {self.window:g} s, which is less than "
                          f"{self.least:,}")
        self.start()


class _Metered(io.RawIOBase):
    """What comes from a socket, be it a header or a body, counted by ``pace``."""

    def __init__(self, raw: io.RawIOBase, pace: Pace):
        self._raw, self._pace = raw, pace

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        count: int | None = self._raw.readinto(buffer)
        if count:
            self._pace.count(count)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: Any, *args: Any, pace: Pace, **options: Any):
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_Metered(self.fp.detach(), pace))


class _PacedHandler(urllib.request.AbstractHTTPHandler):
    def __init__(self, pace: Pace):
        super().__init__()
        self._pace = pace

    def do_open(self, http_class: Any, req: urllib.request.Request, **options: Any) -> HTTPResponse:
        def connection(host: str, **more: Any) -> Any:
            made = http_class(host, **more)
            made.response_class = partial(_Response, pace=self._pace)
            return made

        return super().do_open(connection, req, **options)


class _Http(_PacedHandler, urllib.request.HTTPHandler):
    pass


class _Https(_PacedHandler, urllib.request.HTTPSHandler):
    pass


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows up to ten redirections to other addresses, never from https to http."""

    def http_error_302(self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str,
                       headers: HTTPMessage) -> Any:
        fp.close()  # its body, which urllib would read to the end, may have none
        try:
            return super().http_error_302(req, io.BytesIO(), code, msg, headers)
        except ValueError as error:
            target = headers.get("Location")
            raise urllib.error.HTTPError(req.full_url, code, f"redirected to {target}: {error}",
                                         headers, io.BytesIO()) from None

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def redirect_request(self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str,
                         headers: HTTPMessage, newurl: str) -> urllib.request.Request | None:
        why = fault_of_address(newurl)
        if not why and req.type == "https" and not newurl.lower().startswith("https:"):
            why = "must not leave https"
        if why:
            reason = f"redirected to {newurl}: an address {why}"
            raise urllib.error.HTTPError(req.full_url, code, reason, headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def make_opener(pace: Pace) -> Callable[..., HTTPResponse]:
    """As ``urllib.request.urlopen``, through the usual proxy variables, for http and https only.

    :param pace: checked in everything that comes from now on
    """
    opener = urllib.request.OpenerDirector()
    for handler in (urllib.request.ProxyHandler(), _Http(pace), _Https(pace), Redirects(),
                    urllib.request.HTTPDefaultErrorHandler(), urllib.request.HTTPErrorProcessor(),
                    urllib.request.UnknownHandler()):
        opener.add_handler(handler)
    pace.start()
    return opener.open
