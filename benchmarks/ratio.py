"""A search of n trials against n bare runs of PaddleClas's tools/train.py with the same configs.

    python tools/benchmark.py ratio --paddleclas CHECKOUT [--weights FILE --source DIR]

Both alternate, so that both see the same machine: a whole search as a command, with the start of
Python, checks, result files; then a bare run of every trial's ``config.yaml``. With one worker all
runs on one core, by one thread. ``digits``: four trials of ``digits_target.yaml``. ``photographs``
(with ``--weights`` and ``--source``, as ``features`` takes them): SqueezeNet1_1 from real weights
at 64 px on 300 photographs. ``passes`` says what part of a trial is forward and backward passes,
``two`` compares two workers on two cores with one, by the clock. On a machine that others use,
seconds of the processor (``cpu``) tell more than those of the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.features import base_config
from benchmarks.passes import FILE
from benchmarks.real_data import Sizes, draw_samples, read_set, write_set
from paddle_transfer.cli.parser import OptionParser
from paddle_transfer.config.load import dump_yaml, load_yaml
from paddle_transfer.errors import PaddleTransferError
from tools.digits import write_digits

ROOT = Path(__file__).resolve().parent.parent
SIZE = 64
RATES = [0.003, 0.001, 0.0003, 0.0001, 0.01, 0.03, 0.1, 3e-5]


@dataclass(frozen=True)
class Seconds:
    """Of a command: on the clock, and of the processor, its children's with it."""

    wall: float
    cpu: float

    def __add__(self, other: Seconds) -> Seconds:
        return Seconds(self.wall + other.wall, self.cpu + other.cpu)


@dataclass(frozen=True)
class Ratio:
    """A line of ``benchmark.py ratio``: medians over the rounds.

    :param search: seconds a trial of a search; ``bare``: of a run of tools/train.py
    :param ratio: the median of each round's quotient
    :param search_cpu: and so on: the same in seconds of the processor
    """

    case: str
    trials: int
    rounds: int
    search: float
    bare: float
    ratio: float
    search_cpu: float
    bare_cpu: float
    ratio_cpu: float


@dataclass(frozen=True)
class Passes:
    """What part of a trial is forward and backward passes.

    :param seconds: of a trial, in a worker that runs already
    :param share: of them that are passes; ``update``: the optimizer's steps
    """

    case: str
    seconds: float
    share: float
    update: float


@dataclass(frozen=True)
class Two:
    """Two workers against one: seconds of whole searches, medians over the rounds."""

    case: str
    trials: int
    rounds: int
    one: float
    two: float
    speedup: float


def digits(folder: Path) -> dict[str, Any]:
    """The target task of the quickstart, from scratch."""
    write_digits(folder, classes=(5, 6, 7, 8, 9), per_class_train=20, per_class_val=20, size=32)
    config: dict[str, Any] = load_yaml(str(ROOT / "ppcls_configs/quick_start/digits_target.yaml"))
    config["Global"]["pretrained_model"] = None
    for section, part in (("Train", "train"), ("Eval", "val")):
        config["DataLoader"][section]["dataset"].update(
            image_root=str(folder), cls_label_path=str(folder / f"{part}_list.txt"))
    return config


def photographs(folder: Path, *, weights: Path, source: Path, epochs: int) -> dict[str, Any]:
    """300 photographs in both lists together, about."""
    samples = draw_samples(read_set("tuxpaint", source), Sizes(20), size=SIZE, seed=0,
                           photographs=True)
    write_set(samples, folder, shift="none", seed=0)
    config = base_config(folder, weights, epochs=epochs, strategy="full")
    del config["Transfer"]
    return config


class Case:
    """One kind of training, and the commands that run it.

    :param checkout: of PaddleClas, for the bare runs and for the search alike
    """

    def __init__(self, name: str, folder: Path, config: dict[str, Any], *, trials: int,
                 checkout: Path):
        self.name, self.trials, self._folder, self._checkout = name, trials, folder, checkout
        self._runs, self._base = 0, folder / "base.yaml"
        dump_yaml(config, str(self._base))

    def search(self, *, workers: int = 1, profiled: bool = False) -> tuple[Seconds, Path]:
        """A whole search; its output_dir."""
        out, file = self._next("search"), self._folder / f"search{self._runs}.yaml"
        dump_yaml({"base_config_file": str(self._base), "output_dir": str(out), "workers": workers,
                   "search_mode": "grid", "metric": "top1", "keep_models": 1, "search_dict": [
                       {"search_key": "lr", "search_values": RATES[:self.trials]}]}, str(file))
        code = f"from benchmarks.passes import search; search({str(file)!r})"
        program = ["-c", code] if profiled else [str(ROOT / "tools/search.py"), "-c", str(file)]
        return self._run(program, ROOT, out, cores=workers), out

    def bare(self, config: Path) -> Seconds:
        """A run of tools/train.py with a trial's config."""
        out = self._next("bare")
        return self._run(["tools/train.py", "-c", str(config), "-o", f"Global.output_dir={out}"],
                         self._checkout, out, cores=1)

    def _next(self, kind: str) -> Path:
        self._runs += 1
        return self._folder / f"{kind}{self._runs}"

    def _run(self, program: Sequence[str], place: Path, out: Path, *, cores: int) -> Seconds:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(place),
                       "PADDLECLAS_HOME": str(self._checkout)}
        with open(f"{out}.log", "wb") as log:
            began = time.perf_counter()
            process = subprocess.Popen([sys.executable, *program], cwd=place, stdout=log,
                                       stderr=log, env=environment, preexec_fn=_only(cores))
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            tail = "\n".join(Path(f"{out}.log").read_text(errors="replace").splitlines()[-20:])
            raise PaddleTransferError(f"{program} ended with {process.returncode}:\n{tail}")
        return Seconds(wall, usage.ru_utime + usage.ru_stime)


def _only(cores: int) -> Callable[[], None]:
    chosen = sorted(os.sched_getaffinity(0))[-cores:]
    return lambda: os.sched_setaffinity(0, chosen)


def compare(case: Case, *, rounds: int) -> Ratio:
    """Searches and bare runs in turn."""
    searches, bares = [], []
    for _ in range(rounds):
        seconds, out = case.search()
        searches.append(seconds)
        configs = sorted(out.glob("trials/*/config.yaml"))
        assert len(configs) == case.trials, f"{out} has {len(configs)} trials"
        bares.append(sum((case.bare(one) for one in configs), Seconds(0, 0)))
    return Ratio(case.name, case.trials, rounds, *_medians(searches, bares, "wall", case.trials),
                 *_medians(searches, bares, "cpu", case.trials))


def _medians(searches: Sequence[Seconds], bares: Sequence[Seconds], name: str,
             trials: int) -> tuple[float, float, float]:
    pairs = [(getattr(a, name), getattr(b, name)) for a, b in zip(searches, bares, strict=True)]
    return (statistics.median(a for a, _ in pairs) / trials,
            statistics.median(b for _, b in pairs) / trials,
            statistics.median(a / b for a, b in pairs))


def measure_passes(case: Case) -> Passes:
    """The trials of one search, all but the first, in which Paddle warms up."""
    _, out = case.search(profiled=True)
    told = [json.loads(file.read_text()) for file in sorted(out.glob(f"trials/*/{FILE}"))[1:]]
    seconds = sum(one["seconds"] for one in told)
    passes = sum(one["forward"] + one["backward"] for one in told)
    return Passes(case.name, seconds / len(told), passes / seconds,
                  sum(one["update"] for one in told) / seconds)


def compare_workers(case: Case, *, rounds: int) -> Two:
    """Searches by one worker and by two in turn."""
    times: dict[int, list[float]] = {1: [], 2: []}
    for i in range(rounds):
        for workers in (1, 2)[::1 if i % 2 else -1]:
            times[workers].append(case.search(workers=workers)[0].wall)
    return Two(case.name, case.trials, rounds, statistics.median(times[1]),
               statistics.median(times[2]),
               statistics.median(a / b for a, b in zip(times[1], times[2], strict=True)))


def main(argv: Sequence[str] | None = None) -> int:
    parser = OptionParser(prog="benchmark.py ratio", description=__doc__)
    parser.add_argument("--paddleclas", type=Path, required=True,
                        help="a checkout of PaddleClas 2.5 or newer")
    parser.add_argument("--weights", type=Path, help="SqueezeNet1_1's")
    parser.add_argument("--source", type=Path, help="where tuxpaint-stamps-default was unpacked")
    parser.add_argument("--case", nargs="+", choices=["digits", "photographs"],
                        default=["digits", "photographs"])
    parser.add_argument("--what", nargs="+", choices=["ratio", "passes", "two"],
                        default=["ratio", "passes", "two"])
    parser.add_argument("--trials", type=int, default=4, help="of a search (default: 4)")
    parser.add_argument("--epochs", type=int, default=4, help="on photographs (default: 4)")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args(argv)
    if not (arguments.paddleclas / "tools/train.py").exists():
        raise PaddleTransferError(f"--paddleclas {arguments.paddleclas}: has no tools/train.py")
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.case:
            if name == "photographs" and not (arguments.weights and arguments.source):
                print("photographs: left out without --weights and --source", file=sys.stderr)
                continue
            case = _make(name, Path(folder, name), arguments)
            for what in arguments.what:
                made: Ratio | Passes | Two = (
                    measure_passes(case) if what == "passes" else
                    (compare if what == "ratio" else compare_workers)(
                        case, rounds=arguments.rounds))
                print(json.dumps(asdict(made)), flush=True)
    return 0


def _make(name: str, folder: Path, arguments: argparse.Namespace) -> Case:
    config = (photographs(folder / "data", weights=arguments.weights, source=arguments.source,
                          epochs=arguments.epochs) if name == "photographs"
              else digits(folder / "data"))
    return Case(name, folder, config, trials=arguments.trials,
                checkout=arguments.paddleclas.resolve())
