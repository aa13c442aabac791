"""The four commands around one engine: train, eval, infer, export. They take PaddleClas's flags."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from paddle_transfer.config import base, load, pretrained
from paddle_transfer.errors import ConfigError, PaddleTransferError
from paddle_transfer.strategies.section import check_strategy
from paddle_transfer.worker.bootstrap import open_engine
from paddle_transfer.worker.diverged import Diverged
from paddle_transfer.worker.locate import locate, require_paddle
from paddle_transfer.worker.options import RunOptions

if TYPE_CHECKING:
    from paddle_transfer.worker.engine import TransferEngine

Arguments = Sequence[str] | None

#: Written into Global.output_dir, for programs that go on from a training.
TRAIN_RESULT = "train_result.json"


def train(argv: Arguments = None) -> int:
    """Train one PaddleClas config: train -c config.yaml [-o Global.epochs=2 ...]"""
    flags = parser(train)
    flags.add_argument("--metric", help="by what the best epoch is told, e.g. top5 or "
                       "mean_per_class; default: the first of Metric.Eval")
    arguments = flags.parse_args(argv)
    return run(arguments, _train, mode="train", options=RunOptions(metric=arguments.metric))


def evaluate(argv: Arguments = None) -> int:
    """Evaluate weights: eval -c config.yaml -o Global.pretrained_model=output/best_model"""
    return run(parser(evaluate).parse_args(argv), _evaluate, mode="eval")


def infer(argv: Arguments = None) -> int:
    """Predict images: infer -c config.yaml -o Infer.infer_imgs=... -o Global.pretrained_model=...

    Prints one JSON object per image: file_name, class_ids, scores, label_names. Images that cannot
    be read are named on stderr; the exit code is 1 when none can.
    """
    return run(parser(infer).parse_args(argv), _infer, mode="infer",
               options=RunOptions(log_file=False))


def export(argv: Arguments = None) -> int:
    """Export weights for inference: export -c config.yaml -o Global.pretrained_model=...

    Writes Global.save_inference_dir/inference.*, for paddle.inference and paddle.jit.load.
    """
    return run(parser(export).parse_args(argv), _export, mode="export",
               options=RunOptions(log_file=False))


def parser(command: Callable[[], int]) -> argparse.ArgumentParser:
    """PaddleClas's flags, described by the docstring of ``command``."""
    made = argparse.ArgumentParser(description=command.__doc__)
    made.add_argument("-c", "--config", required=True, help="a PaddleClas config (YAML)")
    made.add_argument(
        "-o", "--override", action="append", default=[], metavar="KEY=VALUE", help="replaces a "
        "value of the config, e.g. -o Global.epochs=2; may be given again and again")
    made.add_argument("--pretrained", metavar="WEIGHTS", help="sets Transfer.pretrained: imagenet, "
                      "imagenet_ssld, 10w, none, a file or an address")
    made.add_argument(
        "--paddleclas", metavar="DIR", help="a source checkout of PaddleClas to use; default: "
        "$PADDLECLAS_HOME, else the current directory if it is one, else the installed wheel")
    return made


def run(arguments: argparse.Namespace, body: Callable[[TransferEngine], int], *, mode: str,
        options: RunOptions | None = None) -> int:
    """Open an engine for the parsed ``arguments`` and hand it to ``body``; returns the exit code.

    Errors that are meant for a user go to stderr without a traceback.
    """
    try:
        config = read_config(arguments, train=mode == "train")
        if config["Global"]["device"] == "cpu":
            # as in the worker processes of a search: with other numbers of threads sums round
            # differently, and on a CPU a second thread hardly helps
            os.environ.setdefault("OMP_NUM_THREADS", "1")
        require_paddle()
        home = locate(arguments.paddleclas)
        print(f"paddle_transfer: {home}", flush=True)
        with open_engine(config, mode=mode, home=home, options=options) as engine:
            return body(engine)
    except PaddleTransferError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except Diverged as error:
        print(f"error: the training diverged: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def read_config(arguments: argparse.Namespace, *, train: bool) -> dict[str, Any]:
    """The complete config that ``arguments`` name. Raises ConfigError."""
    config = load.apply_overrides(load.load_yaml(arguments.config), arguments.override)
    if arguments.pretrained is not None:
        pretrained.choose(config, arguments.pretrained)
    pretrained.checked(config, file=arguments.config, train=train)
    issues = check_strategy(config)
    if issues:
        raise ConfigError(arguments.config, issues)
    return base.complete(config)


def _train(engine: TransferEngine) -> int:
    engine.train()
    if not engine.is_main_process:
        return 0
    value, epoch = engine.best
    if value is None:
        print("no epoch was evaluated: see Global.eval_during_train, eval_interval and epochs")
        return 0
    weights = engine.saver.best_path
    result = {"metric": engine.metric, "best": value, "epoch": epoch, "weights": weights}
    load.write_atomic(os.path.join(engine.output_dir, TRAIN_RESULT),
                      json.dumps(result, indent=2) + "\n")
    print(f"best {engine.metric or 'metric'}: {value!r} in epoch {epoch}")
    print(f"weights: {weights}")
    return 0


def _evaluate(engine: TransferEngine) -> int:
    engine.eval()
    if engine.is_main_process:
        metrics, losses = engine.last_eval
        for name, value in {**losses, **metrics}.items():
            print(f"{name}: {float(value)!r}")
    return 0


def _infer(engine: TransferEngine) -> int:
    good, broken = 0, 0
    for files, found in engine.predictions():
        if isinstance(found, Exception):
            print(f"cannot read {files[0]}: {type(found).__name__}: {found}", file=sys.stderr)
            broken += 1
            continue
        for file, result in zip(files, found, strict=False):
            told = {"file_name": file, **result} if isinstance(result, dict) else [file, result]
            print(json.dumps(told, default=str))
        good += len(files)
    if broken:
        print(f"{broken} of {broken + good} images could not be read", file=sys.stderr)
    return 1 if broken and not good else 0


def _export(engine: TransferEngine) -> int:
    engine.export()
    if engine.is_main_process:
        folder = engine.config["Global"]["save_inference_dir"]
        print(f"exported: {os.path.join(folder, 'inference')}")
    return 0
