#!/usr/bin/env python
"""Trains one PaddleClas config: python tools/train.py -c config.yaml [-o Global.epochs=2 ...]"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.cli.engine_tools import train

if __name__ == "__main__":
    sys.exit(train())
