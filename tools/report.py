#!/usr/bin/env python
"""Writes the report of a search: see ``python tools/report.py --help``."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.cli.report import COMMAND

if __name__ == "__main__":
    sys.exit(COMMAND.main())
