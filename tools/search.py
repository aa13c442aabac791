#!/usr/bin/env python
"""Searches the settings of a transfer: see ``python tools/search.py --help``."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.cli.search import COMMAND

if __name__ == "__main__":
    sys.exit(COMMAND.main())
