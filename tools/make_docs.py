"""Write the pages of docs/ that are made from the package's own tables, or check that they are in step."""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.config.load import write_atomic
from paddle_transfer.space.document import page


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default="docs", help="where to write (default: %(default)s)")
    parser.add_argument("--check", action="store_true",
                        help="write nothing; exit code 1 when a page differs")
    arguments = parser.parse_args(argv)
    path = os.path.join(arguments.root, "hyperparameters.md")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as stream:
            if stream.read() == page():
                return 0
    print(f"{'differs' if arguments.check else 'written'}: {path}")
    if not arguments.check:
        os.makedirs(arguments.root, exist_ok=True)
        write_atomic(path, page())
    return int(arguments.check)


if __name__ == "__main__":
    sys.exit(main())
