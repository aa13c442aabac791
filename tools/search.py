#!/usr/bin/env python
"""Searches the settings of a transfer: python tools/search.py -c search.yaml [-o max_iter=10 ...]"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.cli.search import main

if __name__ == "__main__":
    sys.exit(main())
