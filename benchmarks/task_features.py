"""What a search can know of a task before its first trial, recorded beside its table.

    python tools/benchmark.py task_features squeezenet_tuxpaint --seeds 0 1

``benchmarks/tables/TASK/features.json`` gets

- a learning-rate range test for each seed (Smith 2017, Cyclical Learning Rates, arXiv 1506.01186):
  a training by the task's own config in which the rate rises by the same factor from step to step,
  and the loss of every step, before that step;
- the accuracy of a linear probe: logistic regression on what the pretrained network's classifier
  gets, cross-validated on the training images;
- plain facts.

Seeds that are in the file are not trained again. A small-source task has its source network made
first, as ``record`` does. The images and weights of the others have to be there: see ``data.txt``
beside the config.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import fast_bias, fast_convolution, record
from paddle_transfer.cli.parser import OptionParser
from paddle_transfer.config.base import list_size
from paddle_transfer.config.load import load_yaml, write_atomic
from paddle_transfer.config.portable import for_trial
from paddle_transfer.errors import PaddleTransferError, did_you_mean
from paddle_transfer.strategies.feature_extraction import FeatureExtractionOptions
from paddle_transfer.worker.bootstrap import import_with_ppcls, load_ppcls, open_engine
from paddle_transfer.worker.diverged import Diverged
from paddle_transfer.worker.features.opening import open_features
from paddle_transfer.worker.locate import EngineHome, locate
from paddle_transfer.worker.options import RunOptions

TABLES = Path("benchmarks/tables")
LOWEST, HIGHEST = 1e-5, 1.0
#: Steps of a range test; an epoch that has fewer is followed by further whole ones.
LEAST_STEPS = 40
FOLDS = 5
IMAGENET, SMALL = "ImageNet", "trained for a minute on another set"

Config = dict[str, Any]


def rising_rates(steps: int) -> list[float]:
    """``steps`` rates from ``LOWEST`` to ``HIGHEST``, each larger by the same factor."""
    factor = math.log(HIGHEST / LOWEST) / (steps - 1)
    return [float(f"{LOWEST * math.exp(step * factor):.4g}") for step in range(steps)]


def steps_per_epoch(config: Config) -> int:
    """Batches of one epoch of ``DataLoader.Train``."""
    sampler = config["DataLoader"]["Train"]["sampler"]
    images, batch = list_size(config, "Train") or 0, sampler["batch_size"]
    return images // batch if sampler["drop_last"] else math.ceil(images / batch)


def range_config(config: Config, *, output: Path, seed: int) -> Config:
    """``config`` with as many epochs as ``LEAST_STEPS`` need, a rate that rises in every step
    (PaddleClas's own Piecewise with a border between any two steps), and no evaluation."""
    steps = steps_per_epoch(config)
    epochs = math.ceil(LEAST_STEPS / steps)
    rates = rising_rates(steps * epochs)
    made = for_trial(config, output_dir=str(output), seed=seed, device="cpu")
    made["Global"].update(epochs=epochs, eval_during_train=False)
    made["Optimizer"]["lr"] = {
        "name": "Piecewise", "learning_rate": rates[0], "values": rates, "warmup_epoch": 0,
        "decay_epochs": [(step + 0.5) / steps for step in range(len(rates) - 1)]}
    return made


def range_test(config: Config, *, home: EngineHome, output: Path, seed: int) -> dict[str, Any]:
    """A training by ``range_config``: ``rates`` and ``losses`` of its steps, both to four digits,
    a loss of None from where it diverged on."""
    made = range_config(config, output=output, seed=seed)
    rates, epochs = made["Optimizer"]["lr"]["values"], made["Global"]["epochs"]
    seen: list[tuple[float, float]] = []
    options = RunOptions(weights_to="", log_file=False)
    with open_engine(made, mode="train", home=home, options=options) as engine:
        plain = engine.train_loss_func

        def watched(out: Any, labels: Any) -> Any:
            losses = plain(out, labels)
            seen.append((float(engine.optimizer[0].get_lr()), float(losses["loss"])))
            return losses

        engine.train_loss_func = watched
        try:
            engine.train()
        except Diverged as error:
            print(error, flush=True)
    return {"seed": seed, "epochs": epochs, "rates": rates, "losses": step_losses(seen, rates)}


def step_losses(seen: Sequence[tuple[float, float]], rates: Sequence[float]
                ) -> list[float | None]:
    """The loss of each step, to four digits.

    :param seen: rate and loss of the steps that were taken
    :raises PaddleTransferError: they had other rates, or a step is missing though none diverged
    """
    losses = [float(f"{loss:.4g}") if math.isfinite(loss) else None for _, loss in seen]
    same = all(math.isclose(one, rate) for (one, _), rate in zip(seen, rates, strict=False))
    if not same or len(seen) > len(rates) or (None not in losses and len(seen) < len(rates)):
        raise PaddleTransferError(
            f"the training took {len(seen)} steps with rates {[rate for rate, _ in seen]}, and not "
            f"the {len(rates)} of the range test, {list(rates)}")
    return losses + [None] * (len(rates) - len(losses))


def linear_probe(config: Config, *, home: EngineHome, output: Path) -> tuple[float, bool]:
    """(accuracy of the cross-validated linear probe, whether the network has BatchNorm)."""
    from sklearn.model_selection import StratifiedKFold

    fit = import_with_ppcls("extraction.classifiers", home).fit
    made = for_trial(config, output_dir=str(output), seed=0, device="cpu")
    options = RunOptions(weights_to="", log_file=False)
    with open_engine(made, mode="train", home=home, options=options) as engine:
        found = open_features(made, "Train", home=home, engine=lambda: engine)
        normalised = any(name.endswith("._mean") for name in engine.model.state_dict())
    features, labels, right = found.features, found.labels, 0
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    for train, test in folds.split(features, labels):
        classifier = fit(features[train], labels[train], classes=config["Arch"]["class_num"],
                         options=FeatureExtractionOptions())
        right += int((classifier.scores(features[test]).argmax(axis=1) == labels[test]).sum())
    return right / len(labels), normalised


def facts(name: str, config: Config) -> dict[str, Any]:
    """What the config and the list say."""
    images, classes = list_size(config, "Train") or 0, config["Arch"]["class_num"]
    return {"network": config["Arch"]["name"],
            "weights": SMALL if name in record.TASKS else IMAGENET, "classes": classes,
            "images": images, "images_per_class": images / classes,
            "batch_size": config["DataLoader"]["Train"]["sampler"]["batch_size"],
            "steps_per_epoch": steps_per_epoch(config), "epochs": config["Global"]["epochs"],
            "optimizer": config["Optimizer"]["name"]}


def record_features(name: str, seeds: Sequence[int], work: Path) -> Path:
    """Record what is missing of a task's features; the file."""
    if name in record.TASKS:
        record.prepare(name, record.TASKS[name], work / name)
    home, file = locate(None), TABLES / name / "features.json"
    config: Config = load_yaml(str(TABLES / name / "target.yaml"))
    known = json.loads(file.read_text()) if file.exists() else {"range_tests": []}
    tests = {test["seed"]: test for test in known["range_tests"]}
    output = work / name / "range_test"
    for seed in seeds:
        if seed not in tests:
            tests[seed] = range_test(config, home=home, output=output, seed=seed)
    probe, normalised = linear_probe(config, home=home, output=output)
    made = {"task": name, "facts": {**facts(name, config), "batch_norm": normalised},
            "linear_probe": round(probe, 4), "range_tests": [tests[seed] for seed in sorted(tests)]}
    write_atomic(file, as_text(made))
    return file


def as_text(made: dict[str, Any]) -> str:
    """JSON with a line for each key, fact and list of numbers."""
    tests = ",\n".join("  {" + ",\n   ".join(f"{json.dumps(key)}: {json.dumps(value)}"
                                             for key, value in test.items()) + "}"
                       for test in made["range_tests"])
    listed = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}"
                        for key, value in made["facts"].items())
    return (f'{{"task": {json.dumps(made["task"])},\n "facts": {{\n{listed}}},\n'
            f' "linear_probe": {made["linear_probe"]},\n "range_tests": [\n{tests}]}}\n')


def main(argv: Sequence[str] | None = None) -> int:
    parser = OptionParser(prog="benchmark.py task_features",
                          description=(__doc__ or "").split("\n")[0])
    parser.add_argument("task", nargs="+", help="folders of benchmarks/tables")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1],
                        help="of the range tests (default: 0 1)")
    parser.add_argument("--work", type=Path, default=Path("output/record"),
                        help="source networks and trainings (default: %(default)s)")
    arguments = parser.parse_args(argv)
    there = sorted(path.parent.name for path in TABLES.glob("*/target.yaml"))
    for name in arguments.task:
        if name not in there:
            raise PaddleTransferError(f"task_features: there is no {TABLES / name}/target.yaml. "
                                      f"{did_you_mean(name, there)}")
    load_ppcls(locate(None))
    fast_bias.install()
    fast_convolution.install()
    for name in arguments.task:
        print(record_features(name, arguments.seeds, arguments.work), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
