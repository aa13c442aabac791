"""Servers that cut, mix, inflate or drip: a download is one version, whole, of bounded size and
pace. Nothing waits: pauses are counted, and the clock is the test's own."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import pickle
import random
import socket
import threading
import urllib.error
import urllib.request
from http.client import HTTPMessage

import numpy as np
import pytest

from paddle_transfer.cli.weights import main
from paddle_transfer.weights.cache import read_record
from paddle_transfer.weights.connection import Redirects, TooSlow
from paddle_transfer.weights.errors import FetchError, UnknownWeights
from paddle_transfer.weights.fetch import fetch
from paddle_transfer.weights.network import Network
from paddle_transfer.weights.read import read
from paddle_transfer.weights.resolve import resolve
from tests.helpers.paddle1 import tar_of, variable
from tests.helpers.weights_server import PROXIES, Behaviour, WeightsServer

DATA = pickle.dumps({"w": np.arange(1000, dtype=np.float32)}, 4)
OTHER = pickle.dumps({"w": np.arange(1000, dtype=np.float32) + 1}, 4)
TAR = tar_of({"a": variable(np.ones((2, 3), np.float32)), "b": variable(np.ones(3, np.float32))})
NAME, CUT = "/a.pdparams", 2000
DAY = "Thu, 01 Jan 2026 00:00:00 GMT"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server():
    with WeightsServer({NAME: DATA}) as it:
        yield it


def get(server, tmp_path, *, name=NAME, urls=None, check=read, **network):
    options = {"sleep": lambda _: None, "timeout": 20, **network}
    return fetch(urls or [server.address + name], tmp_path / "a.pdparams", check=check,
                 network=Network(**options))


def ranges(server):
    return [request.range for request in server.requests]


# two versions in one file

@pytest.mark.parametrize("other", [
    {"ETag": '"2"'}, {"ETag": None}, {"ETag": 'W/"1"'}, {"Last-Modified": DAY.replace("26", "27")},
    {"Content-Range": f"bytes {CUT}-{len(DATA) - 1}/{len(DATA) + 1}"},
    {"Content-Range": f"bytes {CUT + 1}-{len(DATA) - 1}/{len(DATA)}"},
    {"Content-Range": f"bytes {CUT}-{len(DATA) - 2}/{len(DATA)}"},
    {"Content-Range": f"bytes {CUT}-{CUT - 1}/{len(DATA)}"},
    {"Content-Range": f"bytes {CUT}-{len(DATA)}/{len(DATA)}"},
    {"Content-Range": None}, {"Content-Range": "\xb2" * 20},
    {"Content-Range": f"bytes {CUT}-{len(DATA) - 1}/*", "ETag": None},
], ids=str)
def test_a_part_of_another_version_is_dropped_and_the_download_begins_anew(server, tmp_path, other):
    dated = {"Last-Modified": DAY}
    server.plans[NAME] = [Behaviour(after=CUT, replace=dated),
                          Behaviour(ignore_if_range=True, replace={**dated, **other})]
    assert get(server, tmp_path).read_bytes() == DATA
    assert ranges(server) == [None, f"bytes={CUT}-", None]
    assert sorted(os.listdir(tmp_path)) == ["a.pdparams", "a.pdparams.json", "a.pdparams.lock"]


def test_the_mixture_of_two_versions_is_never_recorded(server, tmp_path):
    server.plans[NAME] = [Behaviour(after=CUT), Behaviour(ignore_if_range=True)]

    def change(request):
        if request.range:
            server.files[NAME], server.etag = OTHER, '"2"'
    server.on_request = change
    assert get(server, tmp_path).read_bytes() == OTHER


def test_a_date_instead_of_an_etag_holds_the_version_too(server, tmp_path):
    first = Behaviour(after=CUT, replace={"ETag": None, "Last-Modified": DAY})
    length = {"Content-Range": f"bytes {CUT}-{len(DATA) - 1}/{len(DATA)}", "ETag": None}
    for end, asked in (
            (Behaviour(ignore_if_range=True, replace=length), 2),  # may leave the date out
            (Behaviour(ignore_if_range=True, replace={"ETag": None, "Last-Modified": "later"}), 3)):
        server.requests.clear()
        server.plans[NAME] = [first, end]
        get(server, tmp_path).unlink()
        assert len(server.requests) == asked


def test_a_server_that_is_wrong_again_and_again_is_an_error_and_leaves_no_part(server, tmp_path):
    wrong = Behaviour(replace={"Content-Range": "bytes 5-9/10"})
    server.plans[NAME] = [Behaviour(after=CUT), wrong] * 9
    with pytest.raises(FetchError, match="asked for bytes from 2000, the server answered b"):
        get(server, tmp_path)
    assert ranges(server) == [None, f"bytes={CUT}-"] * 2
    assert os.listdir(tmp_path) == ["a.pdparams.lock"]


def test_a_length_that_changes_between_answers_begins_anew(server, tmp_path):
    server.plans[NAME] = [Behaviour(claim=10, after=len(DATA))]
    assert get(server, tmp_path).read_bytes() == DATA
    assert ranges(server) == [None, f"bytes={len(DATA)}-", None]


# a part taken for the whole

@pytest.mark.parametrize("how", [
    Behaviour(after=1300, replace={"Content-Length": None}),
    Behaviour(after=1024, replace={"Content-Length": None}),
    Behaviour(after=1300, replace={"Content-Length": "1300"}),
    Behaviour(after=1300, chunked=True, ranges=False)],
    ids=["no length", "a whole tensor", "a false length", "chunked"])
def test_a_cut_tar_is_neither_kept_nor_recorded(server, tmp_path, how):
    server.files["/a.tar"], server.plans["/a.tar"] = TAR, [how] * 9
    with pytest.raises(FetchError, match=r"cut short|damaged|no end|broke off"):
        get(server, tmp_path, name="/a.tar", attempts=2)
    assert read_record(tmp_path / "a.pdparams") is None
    assert not (tmp_path / "a.pdparams").exists()


def test_a_chunked_answer_that_is_cut_is_gone_on_with(server, tmp_path):
    server.plans[NAME] = [Behaviour(chunked=True, after=CUT, piece=500)]
    assert get(server, tmp_path).read_bytes() == DATA
    assert ranges(server) == [None, f"bytes={CUT}-"]


# answers that are no file

@pytest.mark.parametrize(("headers", "words"), [
    ({"Content-Length": "\xb2"}, "Content-Length is no length"),
    ({"Content-Length": "-5"}, "Content-Length is no length: '-5'"),
    ({"Content-Length": "9" * 5000}, "Content-Length is no length"),
    ({"Content-Length": "1e3"}, "Content-Length is no length"),
    ({"Content-Length": f"{len(DATA)}|7"}, "beside another"),
    ({"Content-Encoding": "gzip"}, "compressed .Content-Encoding: gzip."),
    ({"Transfer-Encoding": "gzip, chunked"}, "transfer coding 'gzip, chunked'"),
    ({"Content-Length": str(1 << 40)}, "sends more than 17,179,869,184 bytes, which is the most"),
], ids=str)
def test_strange_headers_are_told_in_a_line_and_not_asked_for_again(server, tmp_path, headers,
                                                                    words):
    server.plans[NAME] = [Behaviour(replace=headers)]
    with pytest.raises(FetchError, match=words) as caught:
        get(server, tmp_path)
    assert len(server.requests) == 1
    assert max(map(len, str(caught.value).splitlines())) < 1000


@pytest.mark.parametrize(("status", "words"), [
    (204, "HTTP 204 instead of the file"), (206, "the server answered none"), (418, "HTTP 418"),
    (300, "HTTP 300")])
def test_other_statuses_are_told(server, tmp_path, status, words):
    server.plans[NAME] = [Behaviour(status=status, body=b"x")] * 3
    with pytest.raises(FetchError, match=words):
        get(server, tmp_path)
    assert len(server.requests) <= 2


@pytest.mark.parametrize(("target", "words"), [
    (NAME, "infinite loop"), ("file:///etc/passwd", "Redirection to url 'file:"),
    ("ftp://127.0.0.1/a", "redirected to ftp:"), ("http://[::1", "redirected to http://"),
    ("http://\x1b[2J", "redirected to http://"), ("", "HTTP 302")])
def test_redirections_that_lead_nowhere_are_told(server, tmp_path, target, words):
    server.plans[NAME] = [Behaviour(status=302, headers=(("Location", target),))] * 20
    with pytest.raises(FetchError, match=words) as caught:
        get(server, tmp_path)
    assert "\x1b" not in str(caught.value)
    assert len(server.requests) <= 11


def test_a_redirection_is_followed_and_its_body_is_not_read(server, tmp_path):
    server.files["/b"] = DATA
    server.plans[NAME] = [Behaviour(status=302, headers=(("Location", "/b"),), body=b"moved",
                                    then="stall", after=2, claim=1 << 40)]
    assert get(server, tmp_path).read_bytes() == DATA


def test_https_is_not_left_for_http():
    request = urllib.request.Request("https://a/b")

    def follow(target):
        return Redirects().redirect_request(request, io.BytesIO(), 302, "", HTTPMessage(), target)

    with pytest.raises(urllib.error.HTTPError, match="an address must not leave https"):
        follow("http://a/b")
    assert follow("https://c/b").full_url == "https://c/b"


def test_a_page_instead_of_the_rest_is_no_weights(server, tmp_path):
    page = b"<!doctype html><p>log in first</p>"
    server.plans[NAME] = [Behaviour(after=CUT), Behaviour(status=200, ranges=False)]

    def change(request):
        if request.range:
            server.files[NAME] = page
    server.on_request = change
    with pytest.raises(FetchError, match="is a web page"):
        get(server, tmp_path)
    assert os.listdir(tmp_path) == ["a.pdparams.lock"]


# without an end

def test_an_endless_body_is_cut_at_the_limit(server, tmp_path, monkeypatch):
    endless = Behaviour(replace={"Content-Length": None}, piece=10_000)
    server.files[NAME], server.plans[NAME] = bytes(300_000), [endless] * 9
    with pytest.raises(FetchError, match="more than 100,000 bytes, which is the most that is"):
        get(server, tmp_path, max_bytes=100_000)
    part = tmp_path / "a.pdparams.part"
    assert not part.exists() or part.stat().st_size <= 100_000
    monkeypatch.setenv("PADDLE_TRANSFER_MAX_GIB", "0.0001")
    with pytest.raises(FetchError, match="more than 107,374 bytes"):
        get(server, tmp_path, max_bytes=1 << 40)
    monkeypatch.setenv("PADDLE_TRANSFER_MAX_GIB", "much")
    with pytest.raises(FetchError, match="PADDLE_TRANSFER_MAX_GIB: must be a number"):
        get(server, tmp_path)


def test_the_recorded_size_is_the_limit(server, tmp_path):
    get(server, tmp_path).unlink()
    server.files[NAME] = DATA + bytes(1)
    with pytest.raises(FetchError, match=f"more than {len(DATA):,} bytes, which is what was "
                                         "recorded on .*delete .*json"):
        get(server, tmp_path)


def test_a_file_bigger_than_the_disk_is_refused_before_a_byte_is_written(server, tmp_path):
    server.plans[NAME] = [Behaviour(claim=1 << 50, after=10)] * 3
    with pytest.raises(FetchError, match=r"bytes are needed, but .* are free"):
        get(server, tmp_path, max_bytes=1 << 60)
    assert not (tmp_path / "a.pdparams.part").exists()


@pytest.mark.parametrize("where", ["body", "chunks", "header"])
def test_a_drip_of_bytes_is_left(server, tmp_path, where):
    ticks = itertools.count(0, 61)  # a minute between any two looks at the clock
    slow = Behaviour(piece=3, chunked=where == "chunks", after=300,
                     headers=(("X-Long", "x" * 60_000),) * (20 if where == "header" else 0))
    server.plans[NAME] = [slow] * 20
    with pytest.raises(FetchError, match=r"bytes in 60 s, which is less than 10,000,0"):
        get(server, tmp_path, clock=lambda: next(ticks), least=10_000_000)
    assert len(server.requests) == 5


def test_an_answer_that_does_not_end_around_its_body_is_left(tmp_path):
    start, chunk = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n0\r\n"
    for head, endless in ((start + chunk, b"X: y\r\n"), (b"", b"HTTP/1.1 100 Continue\r\n\r\n")):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=flood, args=(listener, head, endless * 5000),
                                      daemon=True)
            thread.start()
            with pytest.raises(FetchError, match="the server's answer does not end"):
                fetch([f"http://127.0.0.1:{listener.getsockname()[1]}/a"], tmp_path / "a",
                      check=read, network=Network(max_bytes=1000, sleep=lambda _: None))
            thread.join()


def flood(listener, head, endless):
    connection, _ = listener.accept()
    with connection, contextlib.suppress(OSError):
        connection.sendall(head)
        while True:
            connection.sendall(endless)


def test_five_bytes_at_a_time_are_no_progress(server, tmp_path):
    server.plans[NAME] = [Behaviour(after=5)] * 20
    with pytest.raises(FetchError, match=r"sent|broke off"):
        get(server, tmp_path)
    assert len(server.requests) == 5


def test_what_dripped_is_no_progress(tmp_path):
    class Dripping:
        """Five bytes more of a file of 100, and then it is too slow."""

        def __init__(self, request, timeout):
            asked = request.get_header("Range")
            start = int(asked[len("bytes="):-1]) if asked else 0
            self.status, self.pieces = 206 if asked else 200, [b"12345"]
            self.headers = HTTPMessage()
            self.headers["ETag"], self.headers["Content-Length"] = '"1"', str(100 - start)
            self.headers["Content-Range"] = f"bytes {start}-99/100"
            opened.append(timeout)

        def read1(self, count):
            if self.pieces:
                return self.pieces.pop()
            raise TooSlow(f"too slow for {count}")

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    opened = []
    with pytest.raises(FetchError, match="broke off after 25 bytes: too slow"):
        fetch(["http://a/b"], tmp_path / "b", check=read,
              network=Network(open=Dripping, sleep=lambda _: None))
    assert len(opened) == 5


def test_a_slow_line_is_waited_for(server, tmp_path):
    ticks = itertools.count(0, 25)
    server.plans[NAME] = [Behaviour(piece=500)]
    assert get(server, tmp_path, clock=lambda: next(ticks), least=100).read_bytes() == DATA


# answers of any bytes

def test_damaged_answers_give_the_file_or_an_error_in_lines(tmp_path):
    head = (f'HTTP/1.1 200 OK\r\nETag: "1"\r\nLast-Modified: {DAY}\r\n'
            f"Content-Length: {len(DATA)}\r\nConnection: close\r\n\r\n").encode()
    bits = (b"\0", b"\r\n", b"\xb2", b"9" * 30, b"-", b"Transfer-Encoding: chunked\r\n", b":",
            b"206", b"")
    rng, seen = random.Random(0), set()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            while True:
                connection, _ = listener.accept()
                with connection:
                    if not connection.recv(1 << 16).startswith(b"GET"):
                        return
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        for number in range(150):
            answer = bytearray(head + DATA)
            for _ in range(rng.choice((1, 2, 4))):
                at = rng.randrange(len(head))
                answer[at:at + rng.randrange(6)] = rng.choice(bits)
            answer = answer[:rng.choice((len(answer), rng.randrange(len(answer))))]
            try:
                got = fetch([f"http://{host}/a"], tmp_path / f"{number}", check=read,
                            network=Network(sleep=lambda _: None, attempts=2, timeout=5))
                seen.add("whole" if got.read_bytes() == DATA else number)
            except FetchError as error:
                lines = str(error).splitlines()
                good = len(lines) < 9 and max(map(len, lines)) <= 1000 and lines[0].isprintable()
                seen.add("refused" if good else number)
        socket.create_connection(listener.getsockname()).close()
        thread.join()
    assert seen == {"whole", "refused"}


# addresses

@pytest.mark.parametrize("url", [
    "http://[::1", "http://", "http:///a", "http://a b/c", "http://a:port/", "http://a:99999/",
    "http://" + "a" * 70 + "/b", "http://a..b/", "http://a\n/b", "http://\u6743\u91cd/a", "http://u@a/",
    "://a", "ftp://a/b", "file:///etc/passwd", "https://a/\x1b[2J", "HTTP://?x"])
def test_a_malformed_address_is_refused_at_once(tmp_path, monkeypatch, capsys, url):
    monkeypatch.setenv("PADDLE_TRANSFER_HOME", str(tmp_path))
    sleeps = []
    with pytest.raises(UnknownWeights, match="is no address"):
        resolve(url, network=Network(sleep=sleeps.append))
    with pytest.raises(FetchError, match="is no address"):
        fetch([url], tmp_path / "a", check=read, network=Network(sleep=sleeps.append))
    assert sleeps == []
    assert main(["fetch", url]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_malformed_mirror_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PADDLE_TRANSFER_MIRROR", "http://[mirror")
    with pytest.raises(FetchError, match=r"http://\[mirror/a: is no address"):
        fetch(["http://x/a"], tmp_path / "a", check=read)


# what a server says reaches the terminal in one printable line

def test_a_reason_of_the_server_is_shown_in_a_line(server, tmp_path):
    bad = "\x1b[2J" + "x" * 10_000
    server.plans[NAME] = [Behaviour(status=503, reason=bad), Behaviour(status=404, reason=bad)]
    logged = []
    with pytest.raises(FetchError, match=r"HTTP 404 .x1b.2Jxxx") as caught:
        get(server, tmp_path, log=logged.append)
    lines = [*logged, *str(caught.value).splitlines()]
    assert not any("\x1b" in line or len(line) > 1000 for line in lines)
