"""Fetching against a real HTTP server on loopback. No test waits: pauses are counted, not slept."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from paddle_transfer.weights.cache import read_record, record_path
from paddle_transfer.weights.errors import FetchError, WeightsError
from paddle_transfer.weights.fetch import fetch, mirrored
from paddle_transfer.weights.network import Network
from paddle_transfer.weights.read import read
from tests.helpers.weights_server import PROXIES, Behaviour, WeightsServer

DATA = pickle.dumps({"w": np.arange(100_000, dtype=np.float32)}, 4)
OTHER = pickle.dumps({"w": np.arange(100_000, dtype=np.float32) + 1}, 4)
NAME = "/dir/a.pdparams"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server():
    with WeightsServer({NAME: DATA}) as it:
        yield it


class Sleeps(list):
    def __call__(self, seconds):
        self.append(seconds)


def get(server, tmp_path, *, urls=None, mirror=None, file="a.pdparams", **network):
    network.setdefault("sleep", Sleeps())
    network.setdefault("timeout", 20)
    return fetch(urls or [server.address + NAME], tmp_path / file, check=read,
                 network=Network(**network), mirror=mirror)


def left_over(tmp_path):
    return sorted(file.name for file in tmp_path.iterdir())


def test_fetches_once_and_records(server, tmp_path):
    file = get(server, tmp_path)
    assert file.read_bytes() == DATA
    record = read_record(file)
    assert record.size == len(DATA)
    assert record.sha256 == hashlib.sha256(DATA).hexdigest()
    assert record.url == server.address + NAME
    assert record.first_seen
    assert get(server, tmp_path) == file
    assert len(server.requests) == 1
    assert left_over(tmp_path) == ["a.pdparams", "a.pdparams.json", "a.pdparams.lock"]


def test_goes_on_after_a_break_in_the_middle(server, tmp_path):
    server.plans[NAME] = [Behaviour(after=150_000), Behaviour(after=100_000)]
    assert get(server, tmp_path).read_bytes() == DATA
    assert [request.range
            for request in server.requests] == [None, "bytes=150000-", "bytes=250000-"]


def test_goes_on_in_another_process_life(server, tmp_path):
    server.plans[NAME] = [Behaviour(after=150_000)]
    with pytest.raises(FetchError):
        get(server, tmp_path, attempts=1)
    assert (tmp_path / "a.pdparams.part").stat().st_size == 150_000
    assert get(server, tmp_path).read_bytes() == DATA
    assert server.requests[-1].range == "bytes=150000-"


def test_begins_anew_when_the_file_changed_meanwhile(server, tmp_path):
    server.plans[NAME] = [Behaviour(after=150_000)]

    def change(request):
        if request.range:
            server.files[NAME], server.etag = OTHER, '"2"'
    server.on_request = change
    assert get(server, tmp_path).read_bytes() == OTHER


def test_begins_anew_when_ranges_are_not_honoured(server, tmp_path):
    server.plans[NAME] = [Behaviour(after=150_000), Behaviour(ranges=False)]
    assert get(server, tmp_path).read_bytes() == DATA


def test_a_whole_part_is_not_asked_for_again(server, tmp_path):
    def stop(there, total):
        if there == total:
            raise KeyboardInterrupt  # all of it came, and the process ends
    with pytest.raises(KeyboardInterrupt):
        get(server, tmp_path, progress=stop)
    assert get(server, tmp_path).read_bytes() == DATA
    assert len(server.requests) == 1


def test_of_a_part_without_a_known_end_no_byte_more_is_asked_for(server, tmp_path):
    server.plans[NAME] = [Behaviour(chunked=True, after=len(DATA))]  # without the last chunk
    assert get(server, tmp_path).read_bytes() == DATA
    assert server.requests[-1].range == f"bytes={len(DATA)}-"


def test_a_wrong_length_is_an_error_that_says_so(server, tmp_path):
    server.plans[NAME] = [Behaviour(claim=10, after=len(DATA), ranges=False)] * 5
    with pytest.raises(FetchError, match=f"sent {len(DATA):,} of {len(DATA) + 10:,} bytes"):
        get(server, tmp_path)
    assert not (tmp_path / "a.pdparams").exists()


def test_a_file_that_is_short_at_the_server_is_no_weights(server, tmp_path):
    server.files[NAME] = DATA[:-1000]
    with pytest.raises(FetchError, match="what it sent: is cut short"):
        get(server, tmp_path)
    assert left_over(tmp_path) == ["a.pdparams.lock"]


def test_pauses_grow_and_a_500_passes(server, tmp_path):
    sleeps = Sleeps()
    server.plans[NAME] = [Behaviour(status=500)] * 3
    assert get(server, tmp_path, sleep=sleeps).read_bytes() == DATA
    assert sleeps == [1, 2, 4]


def test_gives_up_after_so_many_attempts(server, tmp_path):
    sleeps = Sleeps()
    server.plans[NAME] = [Behaviour(status=503)] * 10
    with pytest.raises(FetchError, match="HTTP 503"):
        get(server, tmp_path, sleep=sleeps, attempts=3, pause=5, longest_pause=7)
    assert len(server.requests) == 3
    assert sleeps == [5, 7]


@pytest.mark.parametrize(("asked", "pause"), [("17", 17), ("soon", 1), ("\u00b2", 1)])
def test_waits_as_long_as_the_server_asks(server, tmp_path, asked, pause):
    sleeps = Sleeps()
    server.plans[NAME] = [Behaviour(status=429, headers=(("Retry-After", asked),))]
    get(server, tmp_path, sleep=sleeps)
    assert sleeps == [pause]


def test_404_is_not_asked_again_and_the_next_address_is_tried(server, tmp_path):
    get(server, tmp_path, urls=[server.address + "/gone.pdparams", server.address + NAME])
    assert [request.path for request in server.requests] == ["/gone.pdparams", NAME]


def test_a_web_page_leads_to_the_next_address(server, tmp_path):
    server.files["/page"] = b"<!doctype html><p>log in first</p>"
    assert get(server, tmp_path, urls=[server.address + "/page",
                                       server.address + NAME]).read_bytes() == DATA


def test_the_error_names_every_reason_and_what_to_put_where(server, tmp_path):
    server.files["/page"] = b"<!doctype html><p>log in first</p>"
    urls = [server.address + "/gone.pdparams", server.address + "/page"]
    with pytest.raises(FetchError) as caught:
        get(server, tmp_path, urls=urls)
    text = str(caught.value)
    assert f"{urls[0]}: HTTP 404" in text
    assert f"{urls[1]}: what it sent: is a web page (HTML)" in text
    assert f"put it here: {tmp_path / 'a.pdparams'}" in text
    assert f"    {urls[0]}\n    {urls[1]}\n" in text


def test_offline_is_said_soon(server, tmp_path):
    with WeightsServer() as other:
        urls = [other.address + "/a.pdparams", other.address + "/b.pdparams"]
    sleeps = Sleeps()  # nobody listens at that port any more
    with pytest.raises(FetchError) as caught:
        get(server, tmp_path, urls=urls, sleep=sleeps)
    assert len(sleeps) == 1  # asked twice, and not again for the second address of the same host
    assert "cannot be reached" in str(caught.value)
    assert "the same host" in str(caught.value)
    assert str(tmp_path / "a.pdparams") in str(caught.value)


def test_what_was_put_there_by_hand_is_taken_and_held(server, tmp_path):
    (tmp_path / "a.pdparams").write_bytes(DATA)
    assert get(server, tmp_path, urls=["http://nowhere.invalid/a"]) == tmp_path / "a.pdparams"
    assert read_record(tmp_path / "a.pdparams").size == len(DATA)


def test_a_slow_server_is_waited_for(server, tmp_path):
    seen = []
    server.plans[NAME] = [Behaviour(piece=5_000)]
    get(server, tmp_path, progress=lambda there, total: seen.append((there, total)))
    assert seen[-1] == (len(DATA), len(DATA))
    assert [there for there, _ in seen] == sorted(there for there, _ in seen)


def test_a_silent_server_is_left_and_asked_again(server, tmp_path):
    server.plans[NAME] = [Behaviour(after=150_000, then="stall")]
    assert get(server, tmp_path, timeout=0.3).read_bytes() == DATA
    assert server.requests[-1].range == "bytes=150000-"


def test_a_file_changed_on_disk_is_noticed(server, tmp_path):
    file = get(server, tmp_path)
    file.write_bytes(OTHER)
    with pytest.raises(FetchError) as caught:
        get(server, tmp_path)
    text = str(caught.value)
    assert "has changed" in text
    assert hashlib.sha256(DATA).hexdigest() in text
    assert hashlib.sha256(OTHER).hexdigest() in text
    assert record_path(file).name in text


def test_a_file_changed_at_its_address_is_not_kept(server, tmp_path):
    file = get(server, tmp_path)
    file.unlink()
    server.files[NAME], server.etag = OTHER, '"2"'
    with pytest.raises(FetchError, match="sends another file than on"):
        get(server, tmp_path)
    assert not file.exists()
    record_path(file).unlink()
    assert get(server, tmp_path).read_bytes() == OTHER


def test_a_broken_record_is_an_error(server, tmp_path):
    record_path(get(server, tmp_path)).write_text("{")
    with pytest.raises(FetchError, match="Delete it to take the file as it is now"):
        get(server, tmp_path)


CHILD = """
import sys, pathlib
from paddle_transfer.weights.fetch import fetch
from paddle_transfer.weights.read import read
from paddle_transfer.weights.network import Network
network = Network(log=lambda line: print(line, flush=True))
file = pathlib.Path(sys.argv[2])
print("done", fetch([sys.argv[1]], file, check=read, network=network), flush=True)
"""


def child(server, tmp_path):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, server.address + NAME,
         str(tmp_path / "a.pdparams")], stdout=subprocess.PIPE, text=True)


def test_two_processes_at_once_download_once(server, tmp_path):
    go = threading.Event()
    server.on_request = lambda _: go.wait(60)  # until the second process waits for the first
    first = child(server, tmp_path)
    assert "fetching" in first.stdout.readline()
    second = child(server, tmp_path)
    assert f"process {first.pid} is fetching it; waiting" in second.stdout.readline()
    go.set()
    assert "done" in first.stdout.read()
    assert "done" in second.stdout.read()
    assert first.wait() == 0
    assert second.wait() == 0
    assert len(server.requests) == 1
    assert (tmp_path / "a.pdparams").read_bytes() == DATA


def test_a_killed_holder_keeps_no_lock_and_its_part_is_used(server, tmp_path):
    server.plans[NAME] = [Behaviour(after=150_000, then="stall")]
    holder = child(server, tmp_path)
    part = tmp_path / "a.pdparams.part"
    while not part.exists() or part.stat(
    ).st_size < 131_072:  # what it wrote so far, in whole buffers
        assert holder.poll() is None
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    size = part.stat().st_size
    assert get(server, tmp_path).read_bytes() == DATA
    assert server.requests[-1].range == f"bytes={size}-"


def test_through_a_proxy(server, tmp_path, monkeypatch):
    server.files["http://weights.example/a.pdparams"] = DATA
    monkeypatch.setenv("http_proxy", server.address)
    monkeypatch.setenv("no_proxy", "")
    get(server, tmp_path, urls=["http://weights.example/a.pdparams"])
    assert [request.path for request in server.requests] == ["http://weights.example/a.pdparams"]


def test_a_mirror_is_asked_instead(server, tmp_path, monkeypatch):
    server.files["/m/a.pdparams"] = DATA
    get(server, tmp_path, urls=["https://nowhere.invalid/deep/a.pdparams"],
        mirror=server.address + "/m/")
    assert [request.path for request in server.requests] == ["/m/deep/a.pdparams", "/m/a.pdparams"]
    monkeypatch.setenv("PADDLE_TRANSFER_MIRROR", "http://mirror")
    assert mirrored(["https://x/y/z"]) == ["http://mirror/y/z", "http://mirror/z"]


def test_an_unwritable_folder_is_named(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FetchError, match="PADDLE_TRANSFER_HOME"):
        get(server, tmp_path, file="file/a.pdparams")


def test_a_full_disk_is_no_broken_connection(server, tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr("paddle_transfer.weights.download.os.fsync", full)
    with pytest.raises(FetchError, match="No space left on device"):
        get(server, tmp_path)
    assert len(server.requests) == 1


def test_the_record_is_plain_json(server, tmp_path):
    entry = json.loads(record_path(get(server, tmp_path)).read_text())
    assert set(entry) == {"size", "sha256", "url", "first_seen"}


def test_a_bad_file_put_there_by_hand_gets_no_record(server, tmp_path):
    file = tmp_path / "a.pdparams"
    file.write_bytes(b"<html>saved the wrong page</html>")
    with pytest.raises(WeightsError, match="is a web page"):
        get(server, tmp_path)
    assert read_record(file) is None
    file.write_bytes(DATA)  # so that the right one can simply be put in its place
    get(server, tmp_path)
