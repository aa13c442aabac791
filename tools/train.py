#!/usr/bin/env python
"""Trains one PaddleClas config: python tools/train.py -c config.yaml [-o Global.epochs=2 ...]"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.cli import engine_tools
from paddle_transfer.config.load import write_atomic

RESULT = "train_result.json"  # in Global.output_dir, for programs that go on from here


def train(engine) -> int:
    from paddle_transfer.worker.engine import is_main_process

    engine.train()
    if not is_main_process():
        return 0
    value, epoch = engine.best
    if value is None:
        print("no epoch was evaluated: see Global.eval_during_train, eval_interval and epochs")
        return 0
    result = {
        "metric": engine.metric, "best": value, "epoch": epoch, "weights": engine.saver.best_path
    }
    write_atomic(os.path.join(engine.output_dir, RESULT), json.dumps(result, indent=2) + "\n")
    print(f"best {engine.metric or 'metric'}: {value!r} in epoch {epoch}")
    print(f"weights: {engine.saver.best_path}")
    return 0


def main() -> int:
    parser = engine_tools.parser(__doc__)
    parser.add_argument("--metric", help="by what the best epoch is told, e.g. top5 or "
                        "mean_per_class; default: the first of Metric.Eval")
    arguments = parser.parse_args()
    return engine_tools.run(arguments, train, mode="train", metric=arguments.metric)


if __name__ == "__main__":
    sys.exit(main())
