"""Search strategy and settings together, beside a search of the settings of the best strategy.

    python tools/benchmark.py joint --weights FILE --source DIR

Both searches have 12 trials, the same settings and rates, the same images (10 a class) and seeds.
The strategy of the second one is that with the best mean accuracy on the *test* part in the rows
that ``benchmark.py strategies`` recorded: it knows what the first one has to find. Both winners are
chosen on the validation part and measured on the test part.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks import fast_bias
from benchmarks.rows import append_row, read_rows
from benchmarks.strategies import EPOCHS, WEIGHTS, Row, best_rate, evaluate
from benchmarks.transfer_sets import SETS, config_of, draw, with_test_list
from paddle_transfer.api import PADDLE_RUNNER, run_search
from paddle_transfer.cli.parser import OptionParser
from paddle_transfer.config.load import dump_yaml, load_yaml
from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.result import load_search
from paddle_transfer.settings.search_file import load_search_file
from paddle_transfer.worker.bootstrap import load_ppcls
from paddle_transfer.worker.locate import locate

PER_CLASS, TRIALS = 10, 12
#: Those that begin from the pretrained weights.
STRATEGIES = ("full", "head", "partial", "gradual", "discriminative")
SPACE: Mapping[str, Sequence[object]] = {
    "lr": [0.03, 0.01, 0.003, 0.001, 0.0003], "l2_decay": [1e-3, 1e-4, 1e-5],
    "label_smoothing": [False, True], "mixup": [False, True]}
FIXED = {"lr": 0.003, "l2_decay": 1e-4, "label_smoothing": False, "mixup": False}


@dataclass(frozen=True)
class SearchRow:
    """A search of 12 trials.

    :param kind: ``joint``, or ``single``: over the settings of one strategy
    :param strategy: of the winner
    :param rate: of the winner
    :param val: the winner's accuracy on the part that the search saw
    :param test: and on the test part
    """

    set: str
    seed: int
    kind: str
    strategy: str
    rate: float
    trials: int
    val: float
    test: float
    seconds: float


def best_strategy(rows: Sequence[Row], name: str) -> str:
    """The strategy with the best mean test accuracy on a set, each at its best rate.

    Raises PaddleTransferError: no strategy was recorded there.
    """
    means = {}
    for strategy in STRATEGIES:
        own = [row for row in rows if (row.set, row.per_class, row.strategy) == (
            name, PER_CLASS, strategy)]
        first = [row for row in own if row.seed == 0]
        if first:
            rate = best_rate(first)
            means[strategy] = mean(row.test for row in own if row.rate == rate)
    if not means:
        raise PaddleTransferError(f"joint: no strategy was recorded on {name}; run benchmark.py "
                                  "strategies before, or give its --strategies-rows")
    return max(means, key=lambda strategy: means[strategy])


def search_file(config: Path, output: Path, *, strategies: Sequence[str],
                seed: int) -> dict[str, Any]:
    """A search file over the settings, and over ``strategies`` where they are several."""
    space: dict[str, Sequence[object]] = dict(SPACE)
    fixed: dict[str, object] = dict(FIXED)
    if len(strategies) > 1:
        space, fixed = {"strategy": strategies, **space}, {"strategy": "full", **fixed}
    return {"base_config_file": str(config), "output_dir": str(output), "search_mode": "bayes",
            "max_iter": TRIALS, "confirm": "none", "metric": "top1", "seed": seed,
            "keep_models": 1, "workers": 1, "fixed": fixed,
            "search_dict": [{"search_key": key, "search_values": list(values)}
                            for key, values in space.items()]}


@dataclass(frozen=True)
class Searcher:
    """Draws data, searches and tests the winner."""

    weights: Path
    source: Path
    work: Path
    runner: str

    def __call__(self, name: str, seed: int, kind: str, strategies: Sequence[str]) -> SearchRow:
        data = self.work / f"{name}_{PER_CLASS}_{seed}"
        folder = self.work / f"{name}_{seed}_{kind}"
        draw(SETS[name], per_class=PER_CLASS, seed=seed, source=self.source, folder=data)
        base = config_of(SETS[name], data, weights=self.weights, epochs=EPOCHS[PER_CLASS],
                         seed=seed)
        if len(strategies) == 1:
            base["Transfer"] = {"strategy": strategies[0]}
        folder.mkdir(parents=True, exist_ok=True)
        dump_yaml(base, str(folder / "base.yaml"))
        content = search_file(folder / "base.yaml", folder / "search", strategies=strategies,
                              seed=seed)
        dump_yaml(content, str(folder / "search.yaml"))
        code = run_search(load_search_file(str(folder / "search.yaml"), []), runner=self.runner)
        if code:
            raise SystemExit(code)
        return self._tested(folder / "search", base, name, seed, kind, strategies[0])

    def _tested(self, output: Path, base: dict[str, Any], name: str, seed: int, kind: str,
                single: str) -> SearchRow:
        found = load_search(output)
        if found.best is None or found.best_model_path is None:
            raise PaddleTransferError(f"{output}: the search kept no model")
        point = found.best.point
        strategy = point.get("strategy", single) if kind == "joint" else single
        config = load_yaml(str(output / "best_config.yaml")) | {"DataLoader": base["DataLoader"]}
        test = evaluate(with_test_list(config, found.best_model_path))
        seconds = sum(float(trial.info.get("seconds") or 0.0) for trial in found.trials)
        rate = point["lr"]
        assert isinstance(rate, float)
        return SearchRow(name, seed, kind, str(strategy), rate, len(found.trials),
                         found.best.best_trial.value or 0.0, test, seconds)


def main(argv: Sequence[str] | None = None) -> int:
    parser = OptionParser(prog="benchmark.py joint", description=__doc__)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, metavar="FILE",
                        help="of SqueezeNet1_1 with its ImageNet head (default: %(default)s)")
    parser.add_argument("--source", type=Path, default=Path("packages"), metavar="DIR",
                        help="where the Debian packages were unpacked (default: %(default)s)")
    parser.add_argument("--strategies-rows", type=Path,
                        default=Path("docs/benchmarks/strategies.csv"), metavar="FILE",
                        help="what benchmark.py strategies recorded (default: %(default)s)")
    parser.add_argument("--rows", type=Path, default=Path("docs/benchmarks/joint.csv"),
                        help="what was recorded (default: %(default)s)")
    parser.add_argument("--work", type=Path, default=Path("output/joint"),
                        help="for images and trials (default: %(default)s)")
    parser.add_argument("--sets", nargs="+", choices=list(SETS),
                        default=["tuxpaint", "openclipart", "fashion"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--report", action="store_true",
                        help="search nothing; print the table of --rows")
    parser.add_argument("--fast-bias", action="store_true",
                        help="add biases by a faster kernel (benchmarks/fast_bias.py)")
    chosen = parser.parse_args(argv)
    if chosen.report:
        from benchmarks.strategies_report import joint_table
        print(joint_table(read_rows(chosen.rows, SearchRow)))
        return 0
    os.environ["OMP_NUM_THREADS"] = "1"
    if chosen.fast_bias:
        load_ppcls(locate(None))
        fast_bias.install()
    searcher = Searcher(chosen.weights.resolve(), chosen.source, chosen.work.resolve(),
                        "benchmarks.fast_bias:run" if chosen.fast_bias else PADDLE_RUNNER)
    for seed in chosen.seeds:
        for name in chosen.sets:
            best = best_strategy(read_rows(chosen.strategies_rows, Row), name)
            for kind, strategies in (("joint", STRATEGIES), ("single", (best,))):
                known = {(row.set, row.seed, row.kind) for row in read_rows(chosen.rows, SearchRow)}
                if (name, seed, kind) not in known:
                    row = searcher(name, seed, kind, strategies)
                    append_row(chosen.rows, row)
                    print(f"{row.set} seed {row.seed} {row.kind}: {row.strategy} at {row.rate}, "
                          f"val {row.val:.3f}, test {row.test:.3f}", flush=True)
    return 0
