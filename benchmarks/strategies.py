"""Compare the ways to transfer on few real pictures, each at the best of three rates.

    python tools/benchmark.py strategies --weights FILE --source DIR

``--source`` holds the unpacked Debian packages of ``benchmarks/real_data.py``. The seed draws the
training images, the other parts and the randomness of the training. The rate is chosen with seed 0
on the validation part; the other seeds train with it alone. Every training is a row of ``--rows``
and is never repeated: a second call goes on where the first one stopped.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import fast_bias
from benchmarks.rows import append_row, read_rows
from benchmarks.transfer_sets import SETS, Unfilled, config_of, draw, with_test_list
from paddle_transfer.cli.parser import OptionParser
from paddle_transfer.config.load import dump_yaml
from paddle_transfer.worker.bootstrap import load_ppcls, open_engine
from paddle_transfer.worker.diverged import Diverged
from paddle_transfer.worker.locate import locate
from paddle_transfer.worker.runner import run


@dataclass(frozen=True)
class Way:
    """What is tried of a strategy: three rates.

    :param option: the option of the strategy that is tried in the place of the learning rate
    """

    rates: Sequence[float]
    option: str = ""


WAYS: Mapping[str, Way] = {
    "scratch": Way((0.003, 0.01, 0.03)),
    "full": Way((0.0005, 0.0015, 0.005)),
    "head": Way((0.003, 0.01, 0.03)),
    "partial": Way((0.0015, 0.005, 0.015)),
    "gradual": Way((0.0005, 0.0015, 0.005)),
    "discriminative": Way((0.003, 0.01, 0.03)),
    "feature_extraction": Way((0.01, 0.1, 1.0), option="strength")}
#: Epochs for so many training images a class: about as many steps for each.
EPOCHS: Mapping[int, int] = {10: 12, 25: 5, 50: 3}
SEEDS = (0, 1, 2)
WEIGHTS = Path("weights/SqueezeNet1_1_pretrained.pdparams")


@dataclass(frozen=True)
class Row:
    """One training.

    :param strategy: a name of ``WAYS``
    :param val: accuracy on the part that the rate is chosen on; chance when the training diverged
    :param test: accuracy on the test part
    :param rate: the learning rate, or what the way tries in its place
    :param seconds: of one core, for the training and the test, with building the network
    """

    set: str
    per_class: int
    strategy: str
    rate: float
    seed: int
    epochs: int
    val: float
    test: float
    seconds: float


#: What makes a training another one.
Key = tuple[str, int, str, float, int]


def key_of(row: Row) -> Key:
    return row.set, row.per_class, row.strategy, row.rate, row.seed


def best_rate(rows: Sequence[Row]) -> float:
    """The rate with the best accuracy on the validation part; of equal ones the smallest."""
    return max(sorted(rows, key=lambda row: row.rate), key=lambda row: row.val).rate


@dataclass(frozen=True)
class Recorder:
    """Trains what is missing.

    :param train: trains one row's training, of (set, per_class, strategy, rate, seed)
    """

    path: Path
    train: Callable[[str, int, str, float, int], Row]

    def record(self, name: str, per_class: int, strategies: Sequence[str],
               seeds: Sequence[int]) -> Iterator[Row]:
        """The trainings of a set, those of all strategies with a seed before the next seed's."""
        for seed in seeds:
            for strategy in strategies:
                rates = WAYS[strategy].rates
                if seed != seeds[0]:
                    place = name, per_class, strategy
                    rates = [best_rate([row for row in read_rows(self.path, Row)
                                        if key_of(row)[:3] == place and row.seed == seeds[0]])]
                for rate in rates:
                    known = {key_of(row) for row in read_rows(self.path, Row)}
                    if (name, per_class, strategy, rate, seed) not in known:
                        row = self.train(name, per_class, strategy, rate, seed)
                        append_row(self.path, row)
                        yield row


@dataclass(frozen=True)
class Trainer:
    """Trains in this process, as a trial of a search does.

    :param epochs: for so many training images a class
    """

    weights: Path
    source: Path
    work: Path
    epochs: Mapping[int, int]

    def __call__(self, name: str, per_class: int, strategy: str, rate: float, seed: int) -> Row:
        """Train and test. Raises Unfilled."""
        data, folder = self.work / f"{name}_{per_class}_{seed}", self.work / "trial"
        draw(SETS[name], per_class=per_class, seed=seed, source=self.source, folder=data)
        way = WAYS[strategy]
        epochs = self.epochs[per_class]
        config = config_of(SETS[name], data, weights=self.weights, epochs=epochs, seed=seed)
        section: dict[str, object] = {"name": strategy}
        if way.option:
            section[way.option] = rate
        else:
            config["Optimizer"]["lr"]["learning_rate"] = rate
        config["Transfer"] = {"strategy": section}
        folder.mkdir(parents=True, exist_ok=True)
        began = time.process_time()
        try:
            val = self._train(config, folder, seed)
            test = evaluate(with_test_list(config, folder / "best_model.pdparams"))
        except Diverged:
            val = test = 1.0 / config["Arch"]["class_num"]
        return Row(name, per_class, strategy, rate, seed, epochs, val, test,
                   time.process_time() - began)

    def _train(self, config: dict[str, Any], folder: Path, seed: int) -> float:
        dump_yaml(config, str(folder / "config.yaml"))
        payload = {"seed": seed, "device": "cpu", "metric": "top1", "keep_weights": True}
        result = run({"directory": str(folder), "payload": payload}, lambda **_: False)
        return float(result["value"])


def evaluate(config: dict[str, Any]) -> float:
    """The accuracy on the config's evaluation list."""
    with open_engine(config, mode="eval", home=locate(None)) as engine:
        return float(engine.eval())


def main(argv: Sequence[str] | None = None) -> int:
    parser = OptionParser(prog="benchmark.py strategies", description=__doc__)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, metavar="FILE",
                        help="of SqueezeNet1_1 with its ImageNet head (default: %(default)s)")
    parser.add_argument("--source", type=Path, default=Path("packages"), metavar="DIR",
                        help="where the Debian packages were unpacked (default: %(default)s)")
    parser.add_argument("--rows", type=Path, default=Path("docs/benchmarks/strategies.csv"),
                        help="what was recorded (default: %(default)s)")
    parser.add_argument("--work", type=Path, default=Path("output/strategies"),
                        help="for images and trials (default: %(default)s)")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--per-class", nargs="+", type=int, choices=list(EPOCHS),
                        default=list(EPOCHS))
    parser.add_argument("--strategies", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--report", type=Path, metavar="FILE.png",
                        help="train nothing; print the tables of --rows and draw this picture")
    parser.add_argument("--fast-bias", action="store_true",
                        help="add biases by a faster kernel (benchmarks/fast_bias.py)")
    chosen = parser.parse_args(argv)
    if chosen.report:
        from benchmarks.strategies_report import plot_strategies, strategies_tables
        rows = read_rows(chosen.rows, Row)
        print(strategies_tables(rows))
        plot_strategies(rows, chosen.report)
        return 0
    os.environ["OMP_NUM_THREADS"] = "1"
    if chosen.fast_bias:
        load_ppcls(locate(None))
        fast_bias.install()
    recorder = Recorder(chosen.rows, Trainer(chosen.weights.resolve(), chosen.source,
                                             chosen.work.resolve(), EPOCHS))
    for per_class in chosen.per_class:
        for name in chosen.sets:
            try:
                for row in recorder.record(name, per_class, chosen.strategies, SEEDS):
                    print(f"{row.set} {row.per_class} {row.strategy} {row.rate} seed {row.seed}: "
                          f"val {row.val:.3f}, test {row.test:.3f}, {row.seconds:.1f} s",
                          flush=True)
            except Unfilled as error:
                print(f"left out: {error}", flush=True)
    return 0
