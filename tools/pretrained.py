#!/usr/bin/env python
"""Pretrained weights: see ``python tools/pretrained.py --help``."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.cli.weights import COMMAND

if __name__ == "__main__":
    sys.exit(COMMAND.main())
