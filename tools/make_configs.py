"""Write the generated files of ppcls_configs, or check that they are in step with the templates."""

import os
import subprocess
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
    parser.add_argument("--force", action="store_true",
                        help="write files too that have changes which are not committed")
    arguments = parser.parse_args(argv)
    changed, kept = False, 0
    for name, text in sorted({**shipped_files(), SCHEMA: schema_text()}.items()):
        path = arguments.root / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        changed = True
        keep = not arguments.force and path.is_file() and not is_committed(path)
        kept += keep and not arguments.check
        print(f"{'differs' if arguments.check else 'kept' if keep else 'written'}: {path}")
        if not arguments.check and not keep:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(str(path), text)
    if kept:
        print("kept files have changes that are not committed; --force writes them too")
    return int((changed and arguments.check) or kept > 0)


def is_committed(path: Path) -> bool:
    """Whether git has the file as it is, so that nothing is lost when it is written again."""
    done = subprocess.run(["git", "show", f"HEAD:./{path.name}"], cwd=path.parent, check=False,
                          capture_output=True)
    return done.returncode == 0 and done.stdout == path.read_bytes()


if __name__ == "__main__":
    sys.exit(guarded(main))
