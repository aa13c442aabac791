"""Pretrained weights: list, fetch, verify, inspect, convert."""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from paddle_transfer.cli.weights import main  # noqa: E402
from paddle_transfer.worker.locate import ppcls_folder  # noqa: E402 (imports neither paddle nor ppcls)

if __name__ == "__main__":
    sys.exit(main(find_ppcls=ppcls_folder))
