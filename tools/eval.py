#!/usr/bin/env python
"""Evaluates weights: python tools/eval.py -c config.yaml -o Global.pretrained_model=output/best_model"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.cli import engine_tools


def evaluate(engine) -> int:
    from paddle_transfer.worker.engine import is_main_process

    engine.eval()
    if is_main_process():
        metrics, losses = engine.last_eval
        for name, value in {**losses, **metrics}.items():
            print(f"{name}: {float(value)!r}")
    return 0


def main() -> int:
    return engine_tools.run(engine_tools.parser(__doc__).parse_args(), evaluate, mode="eval")


if __name__ == "__main__":
    sys.exit(main())
