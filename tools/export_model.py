#!/usr/bin/env python
"""Exports weights for inference: see ``python tools/export_model.py --help``."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.cli.export import COMMAND

if __name__ == "__main__":
    sys.exit(COMMAND.main())
