#!/usr/bin/env python
"""Exports weights for inference: tools/export_model.py -c config.yaml ..."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.cli.engine_tools import export

if __name__ == "__main__":
    sys.exit(export())
