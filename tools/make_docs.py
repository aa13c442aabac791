"""Write the tables of docs/ that come from the package, or check that they are in step."""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.config.load import write_atomic
from paddle_transfer.space.document import with_table


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default="docs", help="the folder (default: %(default)s)")
    parser.add_argument("--check", action="store_true",
                        help="write nothing; exit code 1 when a page differs")
    arguments = parser.parse_args(argv)
    path = os.path.join(arguments.root, "hyperparameters.md")
    with open(path, encoding="utf-8") as stream:
        old = stream.read()
    new = with_table(old)
    if new == old:
        return 0
    print(f"{'differs' if arguments.check else 'written'}: {path}")
    if not arguments.check:
        write_atomic(path, new)
    return int(arguments.check)


if __name__ == "__main__":
    sys.exit(main())
