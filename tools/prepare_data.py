#!/usr/bin/env python
"""Makes the list files of a data set: see ``python tools/prepare_data.py --help``."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.cli.prepare import COMMAND

if __name__ == "__main__":
    sys.exit(COMMAND.main())
