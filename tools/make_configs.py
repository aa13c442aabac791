"""Write ppcls_configs/transfer and ppcls_configs/search from the table of data sets, or check that they are in step."""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.config.load import write_atomic
from paddle_transfer.datasets.templates import all_files


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default="ppcls_configs",
                        help="where to write (default: %(default)s)")
    parser.add_argument("--check", action="store_true",
                        help="write nothing; exit code 1 when a file differs")
    arguments = parser.parse_args(argv)
    changed = []
    for name, text in sorted(all_files().items()):
        path = os.path.join(arguments.root, name)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as stream:
                if stream.read() == text:
                    continue
        changed.append(path)
        if not arguments.check:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            write_atomic(path, text)
    for path in changed:
        print(f"{'differs' if arguments.check else 'written'}: {path}")
    return int(bool(changed and arguments.check))


if __name__ == "__main__":
    sys.exit(main())
