"""Find faults in the lists and images of a training config before a GPU is used.

  %(prog)s -c dtd -o Arch.class_num=47

Exit code 0: no errors (warnings are shown), 1: errors, 2: the config cannot be read.
"""

import argparse
import json
import sys
from pathlib import Path

from paddle_transfer.cli.command import Command, add_config_arguments, add_paddleclas_argument
from paddle_transfer.config.load import apply_overrides, load_yaml
from paddle_transfer.config.shape import require_shape
from paddle_transfer.errors import DataError, reading
from paddle_transfer.progress import ProgressBar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_arguments(parser, kind="a PaddleClas training config", example="dtd",
                         override="replaces a value of the config, e.g. -o Arch.class_num=5")
    parser.add_argument("--processes", type=int,
                        help="that decode the images (default: one per core)")
    parser.add_argument("--cache", type=Path,
                        help="folder for results (default: ~/.cache/paddle_transfer/checks)")
    parser.add_argument("--max-leak", type=float, default=0.01, metavar="SHARE",
                        help="leaks are errors above this share of a validation or test list, "
                        "warnings below (default: %(default)s)")
    parser.add_argument("--all", action="store_true",
                        help="show every finding, not just the first 20 of a kind")
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    parser.add_argument("--sheet", metavar="PNG", help="write a contact sheet: samples of each "
                        "class, augmented as in training (takes some seconds more)")
    add_paddleclas_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    config = apply_overrides(load_yaml(arguments.config), arguments.override)
    require_shape(config, arguments.config, ["DataLoader"])
    from paddle_transfer.checks.checker import check_config

    with reading(arguments.config, error=DataError):
        report = check_config(config, file=arguments.config, processes=arguments.processes,
                              cache_folder=arguments.cache, max_leak=arguments.max_leak,
                              progress=ProgressBar("checking images"))
    print(json.dumps(report.as_dict()) if arguments.json else
          report.text(limit=0 if arguments.all else 20))
    if arguments.sheet:
        from paddle_transfer.checks.contact_sheet import write_sheet

        print(write_sheet(config, arguments.sheet, paddleclas=arguments.paddleclas),
              file=sys.stderr)
    elif not arguments.json:
        print("--sheet FILE.png draws samples of each class as training sees them")
    return int(bool(report.errors))


COMMAND = Command(__doc__, add_arguments, run)
