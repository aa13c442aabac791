#!/usr/bin/env python
"""Evaluates weights: see ``python tools/eval.py --help``."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.cli.eval import COMMAND

if __name__ == "__main__":
    sys.exit(COMMAND.main())
