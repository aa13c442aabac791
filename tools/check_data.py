#!/usr/bin/env python
"""Finds faults in lists and images: see ``python tools/check_data.py --help``."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.cli.check import COMMAND

if __name__ == "__main__":
    sys.exit(COMMAND.main())
