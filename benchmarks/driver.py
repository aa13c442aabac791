"""What a search costs beside its trainings: time and memory of a trial, and going on with it.

    python tools/benchmark.py driver --trials 100 1000 10000 --workers 8
    python tools/benchmark.py driver --simulate --trials 10000 --workers 1 8 64 512
    python tools/benchmark.py driver --trials 100 1000 --storage sqlite:///study.db
    python tools/benchmark.py driver --plot docs/benchmarks/driver.jsonl    # what --json printed

A whole search with all its reports and files, on an executor whose trainings cost nothing
(``simulated.py``). Seconds are those of this machine's clock, from the search's first event to its
last; with ``--cpu`` those of the processor, for a machine that others use, too. Bytes are those
that Python holds more at the end than at the beginning (tracemalloc), in a second run, whose time
does not count. ``--simulate``: the trainings' lengths are uneven, and the share of worker time
spent training is measured on a clock on which the driver's time passes, too.
"""

from __future__ import annotations

import gc
import json
import os
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.data import make
from benchmarks.driver_plot import plot_driver
from benchmarks.simulated import SimulatedExecutor
from paddle_transfer.api import run
from paddle_transfer.cli.parser import OptionParser
from paddle_transfer.config.load import dump_yaml, load_yaml
from paddle_transfer.loop.interrupts import Interrupts
from paddle_transfer.settings.search_file import SearchSettings, load_search_file
from paddle_transfer.study.records import TrialRecord

EXECUTOR = f"{SimulatedExecutor.__module__}:{SimulatedExecutor.__qualname__}"
#: The median of a simulated training's seconds, and the spread of its logarithm. No table of
#: benchmarks/tables has recorded seconds; 8 s are those of a tiny real one, a hard case.
MEDIAN, SPREAD = 8.0, 0.7
#: A config of the usual size.
CONFIG = Path(__file__).parent.parent / "ppcls_configs/quick_start/digits_target.yaml"


@dataclass(frozen=True)
class Cost:
    """A line of ``benchmark.py driver``."""

    trials: int
    workers: int
    ms_per_trial: float
    bytes_per_trial: float
    resume_s: float
    store: str = "journal"

    def __str__(self) -> str:
        return (f"{self.trials:>6} trials, {self.workers:>3} workers: {self.ms_per_trial:7.2f} ms "
                f"and {self.bytes_per_trial:8.0f} bytes a trial, resumed in {self.resume_s:.2f} s "
                f"({self.store})")


@dataclass(frozen=True)
class Share:
    """A line of ``benchmark.py driver --simulate``.

    :param busy: the share (0..1) of worker time spent training
    """

    trials: int
    workers: int
    ms_per_trial: float
    busy: float

    def __str__(self) -> str:
        return (f"{self.trials:>6} trials, {self.workers:>3} workers: {self.ms_per_trial:7.2f} ms "
                f"a trial, workers train {100 * self.busy:.2f} % of the time")


class Meter:
    """A callback, the last of a search's: ``read`` at the search's first and last event."""

    def __init__(self, read: Callable[[], float]):
        self._read, self.used = read, 0.0

    def search_started(self, records: Sequence[TrialRecord]) -> None:  # noqa: ARG002
        self.used = -self._read()

    def search_ended(self, records: Sequence[TrialRecord], reason: str) -> None:  # noqa: ARG002
        self.used += self._read()


def settings_of(folder: Path, *, trials: int, workers: int, sampler: str = "random",
                output: str = "out", storage: str | None = None,
                **executor: object) -> SearchSettings:
    """A search of as many points as one likes, on the data in ``folder``, made when missing."""
    return load_search_file({
        "base_config_file": str(base_config(folder)), "output_dir": str(folder / output),
        "metric": "top1", **({"storage": storage} if storage else {}),
        "search_mode": sampler, "max_iter": trials, "workers": workers,
        "executor": {"name": EXECUTOR, **executor}, "search_dict": [
            {"search_key": "lr", **_axis(1e-4, 0.1, sampler)},
            {"search_key": "l2_decay", **_axis(1e-6, 1e-3, sampler)},
            {"search_key": "label_smoothing", "search_values": [False, True]},
            {"search_key": "mixup", "search_values": [False, True]}]}, [])


def base_config(folder: Path, **changes: object) -> Path:
    """A config of the usual size on data in ``folder``, both made when missing.

    :param changes: to ``Global``
    """
    base = folder / "base.yaml"
    if not base.exists():
        config, data = load_yaml(str(CONFIG)), load_yaml(str(make(folder, images=40, side=8)))
        config["Global"].update({"pretrained_model": None, **changes})
        for part in ("Train", "Eval"):
            config["DataLoader"][part]["dataset"].update(data["DataLoader"][part]["dataset"])
        config["Arch"]["class_num"] = data["Arch"]["class_num"]
        dump_yaml(config, str(base))
    return base


def _axis(low: float, high: float, sampler: str) -> dict[str, Any]:
    """A logarithmic axis; a grid's has 60 values."""
    if sampler != "grid":
        return {"search_range": [low, high], "log": True}
    return {"search_values": [low * (high / low) ** (step / 59) for step in range(60)],
            "log": True}


def _clock() -> float:
    return SimulatedExecutor.read()


def search(settings: SearchSettings, meter: Meter) -> None:
    """Run a search, or go on with it, in silence."""
    with _silence(), Interrupts() as interrupts:
        run(settings, interrupts, more=[meter])


@contextmanager
def _silence() -> Iterator[None]:
    with open(os.devnull, "w") as out, redirect_stdout(out), redirect_stderr(out):
        yield


def measure(trials: int, workers: int, sampler: str, storage: str | None = None) -> Cost:
    """The cost of a search's trials, and of going on with it when it is over."""
    with tempfile.TemporaryDirectory() as name:
        settings = settings_of(Path(name), trials=trials, workers=workers, sampler=sampler,
                               storage=storage)
        clock, memory = Meter(_clock), Meter(_held)
        search(settings, clock)
        began = _clock()
        search(settings, Meter(_clock))
        resumed = _clock() - began
        tracemalloc.start()
        search(settings_of(Path(name), trials=trials, workers=workers, sampler=sampler,
                           output="again", storage=storage), memory)
        tracemalloc.stop()
    return Cost(trials, workers, 1000 * clock.used / trials, memory.used / trials, resumed,
                storage.partition(":")[0].partition("+")[0] if storage else "journal")


def _held() -> float:
    gc.collect()
    return float(tracemalloc.get_traced_memory()[0])


def simulate(trials: int, workers: int, sampler: str) -> Share:
    """How much of the time workers train, when trainings end one by one."""
    with tempfile.TemporaryDirectory() as name:
        clock = Meter(_clock)
        search(settings_of(Path(name), trials=trials, workers=workers, sampler=sampler,
                           median=MEDIAN, spread=SPREAD, driver=True), clock)
        busy = SimulatedExecutor.latest.busy
    return Share(trials, workers, 1000 * clock.used / trials, busy)


def main(argv: Sequence[str] | None = None) -> int:
    parser = OptionParser(prog="benchmark.py driver", description=__doc__)
    parser.add_argument("--trials", type=int, nargs="+", default=[100, 1000, 10000])
    parser.add_argument("--workers", type=int, nargs="+", default=[8], help="trials at once")
    parser.add_argument("--sampler", default="random", help="search_mode (default: %(default)s)")
    parser.add_argument("--simulate", action="store_true",
                        help="the share of worker time spent training, lengths being uneven")
    parser.add_argument("--storage", help="a database in the place of the journal, by its URL")
    parser.add_argument("--plot", type=Path, metavar="FILE",
                        help="only draw what --json printed into FILE, beside it")
    parser.add_argument("--cpu", action="store_true", help="count the processor's time")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    arguments = parser.parse_args(argv)
    if arguments.plot:
        print(plot_driver(arguments.plot))
        return 0
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if arguments.cpu:
        SimulatedExecutor.read = staticmethod(time.process_time)
    one = simulate if arguments.simulate else partial(measure, storage=arguments.storage)
    for trials in arguments.trials:
        for workers in arguments.workers:
            found = one(trials, workers, arguments.sampler)
            print(json.dumps(asdict(found)) if arguments.json else found, flush=True)
    return 0
