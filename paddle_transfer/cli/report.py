"""Write the report of a search, finished, interrupted or running: %(prog)s output/my_search

It is one HTML file that needs no network, and the search is only read. --format writes the runs
that other tools show, in DIR/vdl or DIR/tensorboard, of a search that is not running.
"""

import argparse
from pathlib import Path

from paddle_transfer.cli.command import Command
from paddle_transfer.config.shipped import path_argument
from paddle_transfer.errors import DataError
from paddle_transfer.report.registry import FORMATS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help="the output_dir of the search")
    parser.add_argument("--output", metavar="FILE", type=Path,
                        help="the file to write (default: report.html in DIR)")
    parser.add_argument("--format", choices=("html", *FORMATS), default="html",
                        help="what is written (default: %(default)s); visualdl and tensorboard are "
                        "folders of runs")
    parser.add_argument("--lang", choices=("en", "zh"),
                        help="the language that the page opens in (default: that of the browser)")


def run(arguments: argparse.Namespace) -> int:
    if arguments.format != "html":
        return _write_runs(arguments)
    from paddle_transfer.report.html.page import write_report

    try:
        print(write_report(arguments.folder, arguments.output, language=arguments.lang))
    except OSError as error:
        raise DataError(f"{error.filename or arguments.output}: the report cannot be written: "
                        f"{error.strerror or error}. Name another file with --output") from error
    return 0


def _write_runs(arguments: argparse.Namespace) -> int:
    given = [f"--{name}" for name in ("output", "lang") if getattr(arguments, name) is not None]
    if given:
        raise DataError(f"{' and '.join(given)}: only the format html has it")
    from paddle_transfer.report.run_export import write_runs

    try:
        folder = write_runs(arguments.folder, arguments.format)
    except OSError as error:
        raise DataError(f"{error.filename or arguments.folder}: the runs cannot be written: "
                        f"{error.strerror or error}") from error
    print(f"{arguments.format} --logdir {path_argument(str(folder))}")
    return 0


COMMAND = Command(__doc__, add_arguments, run, interrupted="stopped; nothing was written")
