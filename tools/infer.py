#!/usr/bin/env python
"""Predicts images: tools/infer.py -c config.yaml -o Infer.infer_imgs=folder ..."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.cli.engine_tools import infer

if __name__ == "__main__":
    sys.exit(infer())
