"""Train one PaddleClas config: %(prog)s -c config.yaml [-o Global.epochs=2 ...]"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import replace

from paddle_transfer.cli.engine import add_arguments, engine_command
from paddle_transfer.config.load import write_atomic
from paddle_transfer.worker.training import Training

#: Written into Global.output_dir, for programs that go on from a training.
RESULT = "train_result.json"


def train(training: Training) -> int:
    """Train; print and write the best epoch."""
    training.train()
    if not training.is_main_process:
        return 0
    value, epoch = training.best
    if value is None:
        print("no epoch was evaluated: see Global.eval_during_train, eval_interval and epochs")
        return 0
    weights = training.best_path
    result = {"metric": training.metric, "best": value, "images": training.images, "epoch": epoch,
              "weights": weights}
    write_atomic(os.path.join(training.output_dir, RESULT), json.dumps(result, indent=2) + "\n")
    print(f"best {training.metric or 'metric'}: {value!r} in epoch {epoch}, on {training.images} "
          f"images\nweights: {weights}")
    return 0


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    add_arguments(parser)
    parser.add_argument("--metric", help="decides which epoch is the best, e.g. top5 or "
                        "mean_per_class (default: the first of Metric.Eval)")


COMMAND = replace(engine_command(__doc__, train, mode="train"), add_arguments=add_train_arguments)
