"""Write the report of a search, finished, interrupted or running: %(prog)s output/my_search

It is one HTML file that needs no network. The search is only read.
"""

import argparse
from pathlib import Path

from paddle_transfer.cli.command import Command
from paddle_transfer.errors import DataError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help="the output_dir of the search")
    parser.add_argument("--output", metavar="FILE", type=Path,
                        help="the file to write (default: report.html in DIR)")
    parser.add_argument("--lang", choices=("en", "zh"),
                        help="the language that the page opens in (default: that of the browser)")


def run(arguments: argparse.Namespace) -> int:
    from paddle_transfer.report.html.page import write_report

    try:
        print(write_report(arguments.folder, arguments.output, language=arguments.lang))
    except OSError as error:
        raise DataError(f"{error.filename or arguments.output}: the report cannot be written: "
                        f"{error.strerror or error}. Name another file with --output") from error
    return 0


COMMAND = Command(__doc__, add_arguments, run, interrupted="stopped; nothing was written")
