#!/usr/bin/env python
"""Trains one PaddleClas config: see ``python tools/train.py --help``."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.cli.train import COMMAND

if __name__ == "__main__":
    sys.exit(COMMAND.main())
