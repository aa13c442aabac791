"""Scripted kills at random moments, of the parent, of a worker, of all: nothing is lost, nothing is
done twice."""

from __future__ import annotations

import json
import os
import random
import re
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from paddle_transfer.loop.lock import holders
from paddle_transfer.study.store import open_store
from paddle_transfer.study.trial_folder import TrialFolder
from tests.helpers.tiny_runner import AUDIT
from tests.helpers.tiny_search import tiny_settings

KILLS = 24
# about three trials finish between two kills on a fast machine: enough of them for twice as many
# kills
OPTIONS = {"values": {"a": list(range(12)), "b": [i / 10 for i in range(12)]},
           "tiny": {"epochs": 4, "pause": 0.01}, "checkpoint_every": 0.0}
POINTS = 144
LIMIT = 120.0  # seconds for anything to happen at all, however slow the machine


class Search:
    """The command under test and what can be seen of it from outside."""

    def __init__(self, folder: Path):
        self.options = OPTIONS
        self.output_dir, self.audit = folder / "out", folder / "audit"
        self.audit.touch()
        self.process: subprocess.Popen | None = None
        self.errors = folder / "stderr"

    def start(self) -> None:
        with open(self.errors, "ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.helpers.tiny_search", str(self.output_dir),
                 json.dumps(self.options)], stdout=errors, stderr=errors,
                env={**os.environ, AUDIT: str(self.audit), "OMP_NUM_THREADS": "1"})

    def lines(self) -> list[str]:
        return self.audit.read_text().splitlines()

    def wait_for_lines(self, count: int) -> bool:
        """Until the audit has ``count`` lines (True) or the search has ended (False)."""
        deadline = time.monotonic() + LIMIT
        while len(self.lines()) < count:
            if self.process.poll() is not None:
                return False
            assert time.monotonic() < deadline, self.errors.read_text()
            select.select([], [], [], 0.002)
        return self.process.poll() is None

    def workers(self) -> list[int]:
        return [pid for pid in processes_of(self) if pid != self.process.pid]

    def kill(self, what: str, rng: random.Random) -> bool:
        """Whether there was anything to kill."""
        workers = self.workers()
        rng.shuffle(workers)
        victims = {"parent": [self.process.pid], "worker": workers[:1],
                   "both": [self.process.pid, *workers]}[what]
        rng.shuffle(victims)
        for victim in victims:
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        if what != "worker":
            self.process.wait(LIMIT)
        return bool(victims)

    def finished(self) -> set[int]:
        """The trials whose result.json is there now."""
        found = set()
        for path in self.output_dir.glob("trials/*/result.json"):
            try:
                attempt = json.loads(path.read_text())["attempt"]
            except FileNotFoundError:
                continue
            if TrialFolder(path.parent).read_result(int(path.parent.name), attempt):
                found.add(int(path.parent.name))
        return found

    def began(self) -> Counter:
        return Counter(int(match[1]) for match in re.finditer(r"^began (\d+) ",
                                                              self.audit.read_text(), re.MULTILINE))


def trained_after_saved(lines: list[str]) -> list[str]:
    """The epochs that were trained though a checkpoint had them."""
    saved: dict[str, int] = {}
    wrong = []
    for what, number, epoch in (line.split()[:3] for line in lines):
        if what == "saved":
            saved[number] = int(epoch)
        elif what == "epoch" and int(epoch) <= saved.get(number, 0):
            wrong.append(f"{number} {epoch}")
    return wrong


def processes_of(search: Search) -> list[int]:
    """All that carry this test's environment, data loaders and the like included."""
    mark, found = f"{AUDIT}={search.audit}".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if int(process.name) != os.getpid() and mark in (process /
                                                             "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
        except OSError:
            continue
    return found


@pytest.fixture
def search(tmp_path):
    search = Search(tmp_path)
    yield search
    if search.process is not None and search.process.poll() is None:
        search.process.kill()
        search.process.wait()


@pytest.mark.skipif(not Path("/proc/self/environ").exists(),
                    reason="looks at processes through /proc; runs on Linux")
def test_kills_at_random_moments_change_nothing(search):
    rng = random.Random(20)
    kills, begun_when_finished, worker_kills = Counter(), {}, 0
    while sum(kills.values()) < KILLS:
        if search.process is None or search.process.poll() is not None:
            search.start()
            worker_kills = 0
        if not search.wait_for_lines(len(search.lines()) + rng.choice([0, 0, 1, 2, 3, 5, 8, 13])):
            break
        select.select([], [], [], rng.uniform(0, 0.3 if rng.random() < 0.3 else 0.02))
        what = rng.choice(["parent", "worker", "both"] if worker_kills < 3 else ["parent", "both"])
        worker_kills += what == "worker"
        kills[what] += search.kill(what, rng)
        done = search.finished()
        begun = search.began(
        )  # after looking at the results, so that no beginning is counted too late
        for number in done:
            begun_when_finished.setdefault(number, begun[number])
    search.start() if search.process.poll() is not None else None
    assert search.process.wait(LIMIT) == 0, search.errors.read_text()

    assert sum(kills.values()) >= 20, kills
    assert min(kills.values()) >= 3, kills
    settings = tiny_settings(search.output_dir, **OPTIONS)
    records = open_store(output_dir=search.output_dir, space=settings.space).records()
    assert sorted(settings.space.index(record.point) for record in records) == list(range(POINTS))
    assert {record.state for record in records} == {"complete"}
    assert all(len(record.curve) == 4 and record.value == record.curve[-1][1] for record in records)
    begun = search.began()
    assert {n: begun[n] for n in begun_when_finished
            } == begun_when_finished, "trained again after it had finished"
    assert all(begun[record.number] >= 1 for record in records)
    assert sum(begun.values()) > POINTS
    assert trained_after_saved(search.lines()) == []
    assert any(line.startswith("resumed ") for line in search.lines())
    for record in records:
        folder = TrialFolder.of(search.output_dir, record.number)
        result = folder.read_result(record.number, record.attempts)
        assert result
        assert result["value"] == record.value
    assert processes_of(search) == []


def test_an_undisturbed_search_trains_every_point_once(search):
    search.options = {**OPTIONS, "values": {"a": [1, 2, 3, 4], "b": [1, 2, 3]}}
    search.start()
    assert search.process.wait(LIMIT) == 0, search.errors.read_text()
    assert search.began() == Counter(range(12))
    assert processes_of(search) == []


@pytest.mark.skipif(not Path("/proc/self/environ").exists(),
                    reason="looks at processes through /proc; runs on Linux")
@pytest.mark.parametrize("what", ["parent", "both"])
def test_kills_while_the_best_points_are_confirmed_lose_no_training(search, what):
    search.options = {**OPTIONS, "values": {"a": [1, 2, 3, 4, 5, 6]}, "confirm": 3}
    begun_when_finished = {}
    for first in (7, 9, 11):  # the confirming trials have the numbers 6 to 11
        search.start()
        while search.process.poll() is None and len(search.began()) < first:
            search.wait_for_lines(len(search.lines()) + 1)
        assert search.kill(what, random.Random(first))
        done = search.finished()
        begun = search.began()
        for number in done:
            begun_when_finished.setdefault(number, begun[number])
    assert any(
        number >= 6 for number in begun_when_finished), "killed before anything was confirmed"
    search.start()
    assert search.process.wait(LIMIT) == 0, search.errors.read_text()

    settings = tiny_settings(search.output_dir, **search.options)
    records = open_store(output_dir=search.output_dir, space=settings.space).records()
    assert {record.state for record in records} == {"complete"}
    assert len(records) == 12
    seeds = Counter(record.seed for record in records)
    assert seeds == {0: 6, 1: 3, 2: 3}
    again = {n: search.began()[n] for n in begun_when_finished}
    assert again == begun_when_finished, "trained again after it had finished"
    results = json.loads((search.output_dir / "search_results.json").read_text())
    assert [one["seeds"] for one in results["confirm"]["points"]] == [[0, 1, 2]] * 3
    assert processes_of(search) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_cleanly_and_says_how_to_go_on(search, number, code):
    search.options = {**OPTIONS, "values": {"a": [1, 2, 3, 4, 5, 6, 7, 8]}}
    search.start()
    assert search.wait_for_lines(9)
    assert set(holders(search.output_dir / ".lock")) == set(
        processes_of(search)), "workers hold the lock as well"
    search.process.send_signal(number)
    assert search.process.wait(LIMIT) == code
    assert processes_of(search) == []
    assert "The same command goes on from here" in search.errors.read_text()
    done, begun = search.finished(), search.began()
    search.start()
    assert search.process.wait(LIMIT) == 0
    assert {n: search.began()[n] for n in done} == {n: begun[n] for n in done}


def test_a_second_signal_ends_it_at_once(search):
    search.options = {**OPTIONS, "values": {"a": [1, 2, 3, 4]}}
    search.start()
    assert search.wait_for_lines(3)
    os.kill(search.process.pid, signal.SIGSTOP)  # so that it finds both signals at once
    search.process.send_signal(signal.SIGINT)
    search.process.send_signal(signal.SIGTERM)
    os.kill(search.process.pid, signal.SIGCONT)
    assert search.process.wait(LIMIT) in (130, 143)
    deadline = time.monotonic() + LIMIT
    while processes_of(search) and time.monotonic() < deadline:
        select.select([], [], [], 0.01)
    assert processes_of(search) == []
