"""Write the generated files of ppcls_configs, or check that they are in step with the templates."""

import os
import sys
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.cli.command import guarded
from paddle_transfer.cli.parser import OptionParser
from paddle_transfer.cli.schema import schema_text
from paddle_transfer.config.load import write_atomic
from paddle_transfer.config.shipped import SCHEMA
from paddle_transfer.datasets.config_files import shipped_files


def main(argv: list[str] | None = None) -> int:
    parser = OptionParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path("ppcls_configs"),
                        help="where to write (default: %(default)s)")
    parser.add_argument("--check", action="store_true",
                        help="write nothing; exit code 1 when a file differs")
    arguments = parser.parse_args(argv)
    changed = False
    for name, text in sorted({**shipped_files(), SCHEMA: schema_text()}.items()):
        path = arguments.root / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        changed = True
        print(f"{'differs' if arguments.check else 'written'}: {path}")
        if not arguments.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(str(path), text)
    return int(changed and arguments.check)


if __name__ == "__main__":
    sys.exit(guarded(main))
