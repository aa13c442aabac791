"""Write what the docs and the search file's schema take from the package, or check it."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.cli.command import guarded
from paddle_transfer.cli.parser import OptionParser
from paddle_transfer.cli.schema import schema_text
from paddle_transfer.config.load import write_atomic
from paddle_transfer.settings import document as search_file
from paddle_transfer.space import document as hyperparameters

#: File -> what it should hold, from what it holds.
PAGES = {
    "docs/hyperparameters.md": hyperparameters.with_table,
    "docs/hyperparameters.zh.md": lambda page: hyperparameters.with_table(page, chinese=True),
    "docs/keys.md": search_file.with_table,
    "docs/keys.zh.md": lambda page: search_file.with_table(page, chinese=True),
    "ppcls_configs/search.schema.json": lambda _: schema_text(),
}


def main(argv=None) -> int:
    parser = OptionParser(description=__doc__)
    parser.add_argument("--root", default=".", help="the checkout (default: %(default)s)")
    parser.add_argument("--check", action="store_true",
                        help="write nothing; exit code 1 when a file differs")
    arguments = parser.parse_args(argv)
    differing = 0
    for name, page in PAGES.items():
        path, old = os.path.join(arguments.root, name), ""
        if os.path.exists(path):
            with open(path, encoding="utf-8") as stream:
                old = stream.read()
        new = page(old)
        if new != old:
            differing += 1
            print(f"{'differs' if arguments.check else 'written'}: {path}")
            if not arguments.check:
                write_atomic(path, new)
    return int(arguments.check and differing > 0)


if __name__ == "__main__":
    sys.exit(guarded(main))
