#!/usr/bin/env python
"""Evaluates weights: tools/eval.py -c config.yaml -o Global.pretrained_model=output/best_model"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.cli.engine_tools import evaluate

if __name__ == "__main__":
    sys.exit(evaluate())
