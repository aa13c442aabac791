"""Two domains and two tasks: adapt without labels of the target, train two lists together.

    python tools/benchmark.py domains --weights FILE --source DIR

``adapt`` (``digits>photographs`` and ``drawings>cut-outs``): source only, AdaBN, CORAL,
adversarial, trained on the target's labels. ``choose``: twelve trainings of adversarial, of which
one is chosen by ``target_free`` and one by labels. ``together``: ``multi_task`` beside ``full``
with as many steps. Every training is a row of ``--rows`` and is never repeated: a second call goes
on where the first one stopped.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import fast_bias, fast_convolution
from benchmarks.domain_sets import (
    ADAPTED,
    DIGITS,
    PICTURES,
    TOGETHER,
    adapted_config,
    evaluated_on,
    together_config,
    write_pair,
)
from benchmarks.rows import append_row, read_rows
from benchmarks.strategies import WEIGHTS, evaluate
from paddle_transfer.cli.parser import OptionParser
from paddle_transfer.config.load import dump_yaml
from paddle_transfer.strategies.domain_adaptation import TARGET_FREE
from paddle_transfer.worker.bootstrap import load_ppcls
from paddle_transfer.worker.diverged import Diverged
from paddle_transfer.worker.locate import locate
from paddle_transfer.worker.runner import run

SOURCE_ONLY, ADABN, CORAL, ADVERSARIAL, LABELS = (
    "source only", "adabn", "coral", "adversarial", "target labels")
MULTI_TASK, FULL = "multi_task", "full"
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Job:
    """What makes a training another one.

    :param per_class: target images of a class to train on; 0: all
    :param weight: lambda; 0 where a way has none
    """

    pair: str
    per_class: int
    way: str
    weight: float
    rate: float
    seed: int


@dataclass(frozen=True)
class Row:
    """One training: a ``Job`` and what came of it.

    :param epochs: over the labelled list (of ``multi_task``: the target's)
    :param val: accuracy on images of the source; of pairs trained together, of the target
    :param free: ``target_free``; NaN where there is none
    :param target_val: accuracy on the target's images that may be chosen on
    :param test: accuracy on the target's test images; chance when the training diverged
    :param seconds: of one core, for the training, with building the network
    """

    pair: str
    per_class: int
    way: str
    weight: float
    rate: float
    seed: int
    epochs: int
    val: float
    free: float
    target_val: float
    test: float
    seconds: float


def job_of(row: Row) -> Job:
    return Job(row.pair, row.per_class, row.way, row.weight, row.rate, row.seed)


# -- what is trained -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Setting:
    """How a pair is adapted; chosen by hand (docs/benchmarks/domains.md says after what).

    :param rate: the learning rate of all ways
    :param steps: of all ways
    :param coral: weight of CORAL's distance
    :param adversarial: lambda, at the end of its ramp where it has one
    """

    rate: float
    steps: int
    coral: float
    adversarial: float
    schedule: str


SETTINGS = {
    DIGITS: Setting(rate=0.01, steps=810, coral=300.0, adversarial=1.0, schedule="constant"),
    PICTURES: Setting(rate=0.001, steps=165, coral=1.0, adversarial=0.1, schedule="ramp")}
#: What ``choose`` tries: a grid of twelve.
WEIGHTS_TRIED, RATES_TRIED = (0.03, 0.1, 0.3, 1.0), (0.001, 0.003, 0.01)
#: Of both ways of ``together``; epochs for so many target images a class.
RATES = (0.0007, 0.0015, 0.003)
EPOCHS = {10: 12, 25: 5, 50: 3}
#: Sizes that the target fills.
FILLED = {"fashion>digits": (10, 25, 50), "tuxpaint>openclipart": (10, 25, 50),
          "openclipart>tuxpaint": (10,)}


def adapt_jobs(pair: str, seed: int) -> Iterator[Job]:
    chosen = SETTINGS[pair]
    ways = {SOURCE_ONLY: 0.0, LABELS: 0.0, ADVERSARIAL: chosen.adversarial, CORAL: chosen.coral}
    if pair == DIGITS:  # the network of the other pair has no BatchNorm
        ways[ADABN] = 0.0
    for way, weight in ways.items():
        yield Job(pair, 0, way, weight, chosen.rate, seed)


def choose_jobs(seed: int) -> Iterator[Job]:
    for rate in RATES_TRIED:
        for weight in WEIGHTS_TRIED:
            yield Job(PICTURES, 0, ADVERSARIAL, weight, rate, seed)


def together_jobs(seed: int, known: Callable[[], Sequence[Row]]) -> Iterator[Job]:
    """The first seed tries the rates; the others have that which was best there."""
    for per_class in EPOCHS:
        for pair in TOGETHER:
            for way in (FULL, MULTI_TASK) if per_class in FILLED[pair] else ():
                rates: Sequence[float] = RATES
                if seed != SEEDS[0]:
                    chosen = best_rate(known(), pair, per_class, way)
                    rates = [] if chosen is None else [chosen]
                for rate in rates:
                    yield Job(pair, per_class, way, float(way == MULTI_TASK), rate, seed)


def best_rate(rows: Sequence[Row], pair: str, per_class: int, way: str) -> float | None:
    """That with the best ``val`` with the first seed; of equal ones the smallest. None: none was
    trained."""
    first = [row for row in rows if (row.pair, row.per_class, row.way, row.seed) == (
        pair, per_class, way, SEEDS[0])]
    ordered = sorted(first, key=lambda row: row.rate)
    return max(ordered, key=lambda row: row.val).rate if ordered else None


def all_jobs(known: Callable[[], Sequence[Row]], seeds: Sequence[int] = SEEDS) -> Iterator[Job]:
    """So that every beginning of the recording tells something."""
    for pair in ADAPTED:
        for seed in seeds:
            yield from adapt_jobs(pair, seed)
    for seed in seeds:
        yield from together_jobs(seed, known)
        yield from choose_jobs(seed)


# -- training --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trainer:
    """Trains in this process, as a trial of a search does."""

    weights: Path
    source: Path
    work: Path

    def __call__(self, job: Job) -> Row:
        """Train and test."""
        data = self.work / f"{job.pair}_{job.per_class}_{job.seed}".replace(">", "_to_")
        write_pair(job.pair, data, per_class=job.per_class, source=self.source, seed=job.seed)
        config = self.config_of(job, data)
        folder, free = self.work / "trial", float("nan")
        folder.mkdir(parents=True, exist_ok=True)
        adapts = "Unlabeled" in config["DataLoader"]
        began = time.process_time()
        try:
            value = self._train(config, folder, job.seed, TARGET_FREE if adapts else "top1")
            seconds, free = time.process_time() - began, value if adapts else free
            found = {part: evaluate(self._tested(config, folder, part))
                     for part in self.parts_of(job)}
        except Diverged:
            seconds = time.process_time() - began
            found = dict.fromkeys(self.parts_of(job), 1.0 / config["Arch"]["class_num"])
        return Row(job.pair, job.per_class, job.way, job.weight, job.rate, job.seed,
                   config["Global"]["epochs"], found["val"], free,
                   found.get("target_val", found["val"]), found["test"], seconds)

    @staticmethod
    def parts_of(job: Job) -> tuple[str, ...]:
        return ("val", "target_val", "test") if job.pair in ADAPTED else ("val", "test")

    def config_of(self, job: Job, data: Path) -> dict[str, Any]:
        """:param data: what ``write_pair`` wrote"""
        if job.pair in ADAPTED:
            return self._adapted(job, data)
        config = together_config(job.pair, data, weights=self.weights, seed=job.seed,
                                 epochs=EPOCHS[job.per_class], with_source=job.way == MULTI_TASK)
        config["Optimizer"]["lr"]["learning_rate"] = job.rate
        if job.way == MULTI_TASK:
            config["Transfer"] = {"strategy": {"name": "multi_task", "weight": job.weight}}
        return config

    def _adapted(self, job: Job, data: Path) -> dict[str, Any]:
        adapts = job.way in (ADABN, CORAL, ADVERSARIAL)
        config = adapted_config(job.pair, data, weights=self.weights, seed=job.seed,
                                train="target" if job.way == LABELS else "train",
                                steps=SETTINGS[job.pair].steps, unlabeled=adapts)
        config["Optimizer"]["lr"]["learning_rate"] = job.rate
        if adapts:
            section: dict[str, object] = {"name": "domain_adaptation", "method": job.way}
            if job.weight:
                section.update(weight=job.weight, schedule=SETTINGS[job.pair].schedule)
            config["Transfer"] = {"strategy": section}
        return config

    @staticmethod
    def _train(config: dict[str, Any], folder: Path, seed: int, metric: str) -> float:
        dump_yaml(config, str(folder / "config.yaml"))
        payload = {"seed": seed, "device": "cpu", "metric": metric, "keep_weights": True}
        result = run({"directory": str(folder), "payload": payload}, lambda **_: False)
        return float(result["value"])

    @staticmethod
    def _tested(config: dict[str, Any], folder: Path, part: str) -> dict[str, Any]:
        made = evaluated_on({key: value for key, value in config.items() if key != "Transfer"},
                            part)
        for second in ("Source", "Unlabeled"):
            made["DataLoader"].pop(second, None)
        return {**made, "Global": {**made["Global"],
                                   "pretrained_model": str(folder / "best_model")}}


def record(path: Path, train: Callable[[Job], Row],
           pairs: Sequence[str] = (*ADAPTED, *TOGETHER), seeds: Sequence[int] = SEEDS
           ) -> Iterator[Row]:
    """Train what is missing in ``path``, and add it there."""
    def known() -> Sequence[Row]:
        return read_rows(path, Row)
    for job in all_jobs(known, seeds):
        if job.pair in pairs and job not in {job_of(row) for row in known()}:
            row = train(job)
            append_row(path, row)
            yield row


def main(argv: Sequence[str] | None = None) -> int:
    parser = OptionParser(prog="benchmark.py domains", description=__doc__)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, metavar="FILE",
                        help="of SqueezeNet1_1 with its ImageNet head (default: %(default)s)")
    parser.add_argument("--source", type=Path, default=Path("packages"), metavar="DIR",
                        help="where the Debian packages were unpacked (default: %(default)s)")
    parser.add_argument("--rows", type=Path, default=Path("docs/benchmarks/domains.csv"),
                        help="what was recorded (default: %(default)s)")
    parser.add_argument("--work", type=Path, default=Path("output/domains"),
                        help="for images and trials (default: %(default)s)")
    parser.add_argument("--pairs", nargs="+", choices=(*ADAPTED, *TOGETHER),
                        default=(*ADAPTED, *TOGETHER))
    parser.add_argument("--seeds", nargs="+", type=int, choices=SEEDS, default=SEEDS)
    parser.add_argument("--report", type=Path, metavar="FILE.png",
                        help="train nothing; print the tables of --rows and draw this picture")
    parser.add_argument("--fast-bias", action="store_true",
                        help="faster biases, faster convolutions of small maps (benchmarks/fast_*)")
    chosen = parser.parse_args(argv)
    if chosen.report:
        from benchmarks.domains_report import domains_tables, plot_domains
        rows = read_rows(chosen.rows, Row)
        print(domains_tables(rows))
        plot_domains(rows, chosen.report)
        return 0
    os.environ["OMP_NUM_THREADS"] = "1"
    if chosen.fast_bias:
        load_ppcls(locate(None))
        fast_bias.install()
        fast_convolution.install()
    for row in record(chosen.rows, Trainer(chosen.weights.resolve(), chosen.source,
                                           chosen.work.resolve()), chosen.pairs, chosen.seeds):
        print(f"{row.pair} {row.per_class} {row.way} {row.weight:g} {row.rate:g} seed {row.seed}: "
              f"val {row.val:.3f}, test {row.test:.3f}, {row.seconds:.1f} s", flush=True)
    return 0
