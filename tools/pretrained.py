"""Pretrained weights: list, fetch, verify, inspect, convert."""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from paddle_transfer.cli.weights import main
from paddle_transfer.worker.locate import ppcls_folder

if __name__ == "__main__":
    sys.exit(main(find_ppcls=ppcls_folder))
