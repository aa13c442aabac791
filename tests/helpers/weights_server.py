"""A real HTTP server on loopback that serves weights, and misbehaves by name."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: Variables that would lead a test's requests elsewhere.
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "PADDLE_TRANSFER_MIRROR")


@dataclass(frozen=True)
class Behaviour:
    """What one answer does.

    :param status: instead of the file, with ``body``
    :param after: bytes of the answer's body after which ``then`` happens
    :param then: ``break`` (close the connection), ``stall`` (send nothing more until the server
        closes)
    :param claim: added to the Content-Length that is promised
    :param ranges: whether Range is honoured
    :param ignore_if_range: whether another version than the one asked for is sent
    :param reason: of the status line
    :param chunked: send chunks instead of a Content-Length
    :param replace: headers by name instead of those that would be sent; None: leave it out
    :param piece: bytes per write (small: a slow server)
    """

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    after: int | None = None
    then: str = "break"
    claim: int = 0
    ranges: bool = True
    ignore_if_range: bool = False
    reason: str | None = None
    chunked: bool = False
    replace: dict[str, str | None] = field(default_factory=dict)
    piece: int = 1 << 16


@dataclass
class Request:
    """What was asked: the path as sent (an address when we are a proxy), and the Range."""

    path: str
    range: str | None


@dataclass
class WeightsServer:
    """``with WeightsServer({"/a.pdparams": data}) as server``.

    :param plans: each path's next behaviours; when they are used up it behaves
    """

    files: dict[str, bytes] = field(default_factory=dict)
    plans: dict[str, list[Behaviour]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    etag: str = '"1"'
    on_request: Callable[[Request], None] = lambda _: None

    def __enter__(self) -> WeightsServer:
        self.closing = threading.Event()
        handler = type("Handler", (_Handler,), {"owner": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *error) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def next_behaviour(self, path: str) -> Behaviour:
        plan = self.plans.get(path)
        return plan.pop(0) if plan else Behaviour()


class _Handler(BaseHTTPRequestHandler):
    owner: WeightsServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *args) -> None:
        pass

    def do_GET(self) -> None:
        request = Request(self.path, self.headers.get("Range"))
        self.owner.requests.append(request)
        self.owner.on_request(request)
        how = self.owner.next_behaviour(self.path)
        self.close_connection = True
        if how.status != 200:
            return self._answer(how.status, how.body, how.headers, how)
        data = self.owner.files.get(self.path)
        if data is None:
            return self._answer(404, b"<html>not found</html>", (), how)
        headers = (("ETag", self.owner.etag), *how.headers)
        start = self._start(how)
        if start is None:
            return self._answer(200, data, headers, how)
        if start >= len(data):
            return self._answer(416, b"", (("Content-Range", f"bytes */{len(data)}"),), how)
        where = ("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        return self._answer(206, data[start:], (where, *headers), how)

    def _start(self, how: Behaviour) -> int | None:
        asked, only_if = self.headers.get("Range"), self.headers.get("If-Range")
        other = only_if and only_if != self.owner.etag and not how.ignore_if_range
        if not asked or not how.ranges or other:
            return None
        return int(asked.removeprefix("bytes=").rstrip("-"))

    def _answer(self, status: int, body: bytes, headers, how: Behaviour) -> None:
        self.send_response(status, how.reason)
        length = ("Transfer-Encoding", "chunked") if how.chunked else (
            "Content-Length", str(len(body) + how.claim))
        for name, value in (*headers, length):
            if name not in how.replace:
                self.send_header(name, value)
        for name, value in how.replace.items():
            for each in value.split("|") if value else ():
                self.send_header(name, each)
        self.end_headers()
        end = len(body) if how.after is None else min(how.after, len(body))
        try:
            for at in range(0, end, how.piece):
                piece = body[at:min(at + how.piece, end)]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if how.chunked else piece)
            if how.chunked and how.after is None:
                self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()
        except OSError:
            return
        if how.after is not None and how.then == "stall":
            self.owner.closing.wait(30)
