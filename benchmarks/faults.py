"""Searches in which much goes wrong, in virtual time: nothing is lost, nothing is trained twice.

    python tools/benchmark.py faults --seeds 200          # the seeds 0 to 199
    python tools/benchmark.py faults --seed 17 --show     # one, with what went wrong in it

Each seed makes a script: the search's features and workers, points that never work, accidents of
single attempts (``faulty.py``), and how its drivers end, each followed by another on the same
folder: killed at any write, by a full disk, by Ctrl-C, by an executor that raises; clocks jump.
Then every rule of ``fault_rules.py`` must hold. One that does not is printed with its seed.
"""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from typing_extensions import override

from benchmarks.driver import base_config
from benchmarks.fault_disk import Disk, Killed
from benchmarks.fault_rules import broken, has_result, records_of
from benchmarks.fault_script import EPOCHS, FEATURES, LR, MIXUP, End, Script, script_of
from benchmarks.faulty import FaultyExecutor
from benchmarks.virtual import Play, VirtualClock
from paddle_transfer.api import make_sampler_and_ranker, run
from paddle_transfer.cli.parser import OptionParser
from paddle_transfer.config.validation import Options
from paddle_transfer.errors import DiskFull, SetupError
from paddle_transfer.executors.base import (
    EpochReport,
    Event,
    Executor,
    ExecutorContext,
    Job,
    RegisteredExecutor,
)
from paddle_transfer.loop.interrupts import Interrupts
from paddle_transfer.report.files import ResultFiles
from paddle_transfer.report.visualdl import VisualDL
from paddle_transfer.settings.search_file import SearchSettings, load_search_file
from paddle_transfer.study.records import TrialRecord
from paddle_transfer.study.trial_folder import TrialFolder
from paddle_transfer.worker.jobs import write_result


class GivenExecutor(RegisteredExecutor):
    """The executor of a search file that stands for ``executor``."""

    name = "given"
    executor: ClassVar[FaultyExecutor]

    @classmethod
    @override
    def build(cls, options: Options, context: ExecutorContext) -> Executor:
        del options, context
        return cls.executor


class Searches:
    """The searches of ``FEATURES``, on data in ``folder``; each is read once."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._known: dict[tuple[str, int], SearchSettings] = {}

    def settings(self, feature: str, workers: int, output_dir: Path) -> SearchSettings:
        known = self._known.get((feature, workers))
        if known is None:
            known = self._known[feature, workers] = self._load(feature, workers)
        return dataclasses.replace(known, output=dataclasses.replace(
            known.output, output_dir=str(output_dir)))

    def _load(self, feature: str, workers: int) -> SearchSettings:
        extra = dict(FEATURES[feature])
        if "warm_start" in extra:
            earlier = self.folder / "earlier"
            if not earlier.exists():
                Trouble(self, dataclasses.replace(script_of(0), ends=(), accidents=False),
                        earlier).live()
            extra["warm_start"] = [str(earlier)]
        return load_search_file({
            "base_config_file": str(base_config(self.folder, epochs=EPOCHS)), "metric": "top1",
            "output_dir": str(self.folder / "none"), "search_mode": "grid", "workers": workers,
            "executor": f"{__name__}:{GivenExecutor.__name__}", "search_dict": [
                {"search_key": "lr", "search_values": list(LR)},
                {"search_key": "mixup", "search_values": list(MIXUP)}], **extra}, [])


class _Turns(Interrupts):
    """Asked to stop at a given turn, and to jump with the clock."""

    def __init__(self, end: End, clock: VirtualClock):
        super().__init__()
        self.end, self.jumped, self._clock, self._turn = end, False, clock, 0

    @override
    def asked(self) -> bool:
        self._turn += 1
        if self._turn == self.end.at and self.end.how == "clock":
            GivenExecutor.executor.jump(self.end.jump)
            self.jumped = True
        return self.end.how == "interrupt" and self._turn >= self.end.at


@dataclass
class Seen:
    """A callback: what one driver told.

    :param ended: how often each trial ended
    :param final: those whose end is on disk
    :param epochs: the epochs of each attempt, in order
    """

    ended: Counter[int] = field(default_factory=Counter)
    final: set[int] = field(default_factory=set)
    epochs: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    reason: str = ""

    def epoch_reported(self, record: TrialRecord, report: EpochReport) -> None:
        self.epochs.setdefault((record.number, record.attempts), []).append(report.epoch)

    def trial_ended(self, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
        assert records[record.number] is record
        self.ended[record.number] += 1
        if record.worked or any(one.worked for one in records):
            self.final.add(record.number)

    def search_ended(self, records: Sequence[TrialRecord], reason: str) -> None:
        del records
        self.reason = reason


class _Executor(FaultyExecutor):
    """Raises at the turn that ``end`` says; a driver whose trials all hang is killed."""

    def __init__(self, end: End, disk: Disk, **arguments: Any):
        super().__init__(**arguments)
        self._end, self._disk, self._polls = end, disk, 0

    @override
    def poll(self, timeout: float) -> list[Event]:
        self._polls += 1
        if self._end.how == "executor" and self._polls == self._end.at:
            raise SetupError("the workers cannot start any more")
        if self.hangs():
            self._disk.kill()
        return super().poll(timeout)


@dataclass
class Life:
    """One driver: how it ended, what it told, and what its executor did."""

    how: str
    seen: Seen
    executor: FaultyExecutor
    disk: Disk
    accidents: list[str]


class Trouble:
    """The search of a script in ``output_dir``."""

    def __init__(self, searches: Searches, script: Script, output_dir: Path):
        self.script = script
        self.settings = searches.settings(script.feature, script.workers, output_dir)
        self.clock, self.lives, self.stale = VirtualClock(), list[Life](), list[Event]()
        #: The trials that were known to have a result when each driver began.
        self.finished: list[set[int]] = []
        self.seconds: list[float] = []

    def live(self) -> None:
        """All drivers, one after the other."""
        for number in range(len(self.script.ends) + 1):
            self.finished.append(self._finished())
            life = self._one(number)
            self.lives.append(life)
            if life.how == "over":
                break

    def _one(self, number: int) -> Life:
        ends, folder = self.script.ends, Path(self.settings.output.output_dir)
        end = ends[number] if number < len(ends) else End("none", 0)
        disk, seen = Disk(str(folder), end.disk, end.at), Seen()
        executor = GivenExecutor.executor = _Executor(
            end, disk, accident=lambda job: self.script.accident(job, number), stale=self.stale,
            slots=self.script.workers, clock=self.clock, script=self._play,
            trial_timeout=self.settings.devices.trial_timeout)
        began, interrupts = self.clock.now, _Turns(end, self.clock)
        how = self._run(interrupts, disk, seen)
        executor.close()
        self.stale = executor.unheard
        if how == "killed":  # results that nobody heard of
            for job, play in executor.left[::2]:
                result = play.ended(job).result
                if play.verdict != "hang" and result is not None:
                    write_result(Path(job.directory), result)
        self.seconds.append(self.clock.now - began - (end.jump if interrupts.jumped else 0.0))
        self.clock.advance(100.0)
        return Life(how, seen, executor, disk, [
            str(self.script.accident(Job(trial, attempt, ""), number))
            for what, trial, attempt, _ in executor.log if what == "submit"])

    def _run(self, interrupts: _Turns, disk: Disk, seen: Seen) -> str:
        _, ranker = make_sampler_and_ranker(self.settings)
        try:
            with _silence(), disk.watched():
                run(self.settings, interrupts, clock=self.clock, callbacks=[
                    ResultFiles(self.settings, ranker=ranker, clock=self.clock),
                    VisualDL(self.settings, ranker=ranker), seen])
        except Killed:
            return "killed"
        except DiskFull:
            assert disk.happened, "the disk has room"
            return "full"
        except SetupError:
            assert interrupts.end.how == "executor", "the executor works"
            return "failed"
        return "interrupted" if interrupts.asked() else "over"

    def _play(self, job: Job) -> Play:
        record = json.loads(TrialFolder(job.directory).record.read_text())
        return self.script.play(record["point"], record["seed"])

    def _finished(self) -> set[int]:
        """The trials whose result is on disk, in the study or in their folder."""
        return {record.number for record in records_of(self.settings)
                if record.finished or has_result(self.settings, record)}


@contextmanager
def _silence() -> Iterator[None]:
    with open(os.devnull, "w") as out, redirect_stdout(out), redirect_stderr(out):
        yield


class Player:
    """Plays scripts, each in a folder of its own in ``folder``."""

    def __init__(self, folder: Path):
        self._folder, self._searches = folder, Searches(folder / "data")
        self._undisturbed: dict[tuple[object, ...], Trouble] = {}
        self._count = 0

    def play(self, script: Script) -> tuple[Trouble, list[str]]:
        """What happened, and the rules that were broken."""
        trouble = self._trouble(script)
        try:
            trouble.live()
            return trouble, broken(trouble, self._reference(script))
        except Exception as error:
            return trouble, [traceback.format_exc(limit=-6) or str(error)]

    def _reference(self, script: Script) -> Trouble:
        key = (script.feature, script.workers * (script.feature == "pruner"),
               *script.fates.items())
        if key not in self._undisturbed:
            made = self._undisturbed[key] = self._trouble(script.undisturbed)
            made.live()
        return self._undisturbed[key]

    def _trouble(self, script: Script) -> Trouble:
        self._count += 1
        return Trouble(self._searches, script, self._folder / str(self._count))


def describe(trouble: Trouble) -> str:
    """What went wrong in a search."""
    script = trouble.script
    lines = [f"seed {script.seed}: {script.feature}, {script.workers} workers, "
             f"{dict(script.fates)}"]
    for number, life in enumerate(trouble.lives):
        end = script.ends[number] if number < len(script.ends) else ""
        lines.append(f"  driver {number}: {life.how} after {life.disk.writes} writes ({end})")
        for what, trial, attempt, how in life.executor.log:
            kind = script.accident(Job(trial, attempt, ""), number)
            lines.append(f"    {what} trial {trial} attempt {attempt}: {how}"
                         + (f", {kind}" if what == "submit" else ""))
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    parser = OptionParser(prog="benchmark.py faults", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="so many (default: %(default)s)")
    parser.add_argument("--seed", type=int, action="append", help="this one")
    parser.add_argument("--show", action="store_true", help="what went wrong in each")
    arguments = parser.parse_args(argv)
    drivers, attempts = Counter[str](), Counter[str]()
    began, failures = time.perf_counter(), 0
    with tempfile.TemporaryDirectory() as name:
        player = Player(Path(name))
        for seed in arguments.seed or range(arguments.seeds):
            trouble, found = player.play(script_of(seed))
            drivers.update(life.how for life in trouble.lives)
            attempts.update(how for life in trouble.lives for how in life.accidents)
            failures += bool(found)
            if arguments.show or found:
                print(describe(trouble), *(f"  BROKEN {one}" for one in found), sep="\n",
                      flush=True)
    for name, counts in (("drivers", drivers), ("attempts", attempts)):
        print(f"{counts.total()} {name}: "
              + ", ".join(f"{count} {how}" for how, count in counts.most_common()))
    print(f"{failures} searches broke a rule; {time.perf_counter() - began:.1f} s")
    return int(failures > 0)
