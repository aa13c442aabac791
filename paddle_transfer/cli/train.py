"""Train one PaddleClas config: %(prog)s -c config.yaml [-o Global.epochs=2 ...]"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from paddle_transfer.cli.engine import add_arguments, engine_command
from paddle_transfer.config.load import write_atomic

if TYPE_CHECKING:
    from paddle_transfer.worker.engine import TransferEngine

#: Written into Global.output_dir, for programs that go on from a training.
RESULT = "train_result.json"


def train(engine: TransferEngine) -> int:
    """Train; print and write the best epoch."""
    engine.train()
    if not engine.is_main_process:
        return 0
    value, epoch = engine.best
    if value is None:
        print("no epoch was evaluated: see Global.eval_during_train, eval_interval and epochs")
        return 0
    weights = engine.saver.best_path
    result = {"metric": engine.metric, "best": value, "images": engine.images, "epoch": epoch,
              "weights": weights}
    write_atomic(os.path.join(engine.output_dir, RESULT), json.dumps(result, indent=2) + "\n")
    print(f"best {engine.metric or 'metric'}: {value!r} in epoch {epoch}, on {engine.images} images"
          f"\nweights: {weights}")
    return 0


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    add_arguments(parser)
    parser.add_argument("--metric", help="decides which epoch is the best, e.g. top5 or "
                        "mean_per_class (default: the first of Metric.Eval)")


COMMAND = replace(engine_command(__doc__, train, mode="train"), add_arguments=add_train_arguments)
