"""Search the settings of a transfer: %(prog)s -c search.yaml [-o max_iter=10 ...]

The same command again continues where it stopped.
"""

import argparse
import json
import os
import sys

from paddle_transfer.cli.command import (
    Command,
    add_config_arguments,
    add_paddleclas_argument,
    check_pretrained,
)
from paddle_transfer.environment import check_machine, preview_machine
from paddle_transfer.report.preview import preview
from paddle_transfer.report.registry import check_reports
from paddle_transfer.settings import search_file
from paddle_transfer.worker.locate import known_ppcls, locate, ppcls_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_arguments(parser, kind="a search file", example="oxford_iiit_pets_bayes",
                         override="max_iter=10 overrides the search file, Global.epochs=5 the base "
                         "config")
    parser.add_argument("--dry-run", action="store_true",
                        help="check both files, print the trials and one config, end; images and "
                        "weights are looked at by a real run")
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument("--fresh", action="store_true",
                       help="begin anew; the run in output_dir is moved aside, not lost")
    begin.add_argument("--rebuild", action="store_true",
                       help="make a study that is lost or broken again from the trials' own files, "
                       "then go on")
    parser.add_argument("--pretrained", metavar="WEIGHTS", help="imagenet, imagenet_ssld, 10w, "
                        "none, a file or an address, instead of what the base config begins with")
    parser.add_argument("--no-data-check", action="store_true",
                        help="do not check lists and images before training")
    add_paddleclas_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    check_pretrained(arguments)
    overrides = list(arguments.override)
    if arguments.pretrained is not None:
        weights = {"Transfer.pretrained": json.dumps(arguments.pretrained),
                   "Global.pretrained_model": "None"}
        overrides = [option for option in overrides if option.partition("=")[0] not in weights]
        overrides += [f"{path}={value}" for path, value in weights.items()]
    settings = search_file.load_search_file(arguments.config, overrides, dry_run=arguments.dry_run,
                                            paddleclas=arguments.paddleclas,
                                            ppcls=known_ppcls(arguments.paddleclas))
    check_reports(settings)
    if arguments.dry_run:
        settings = preview_machine(settings)
        print(preview(settings, colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR")),
              flush=True)
        return 0
    settings = check_machine(settings)
    from paddle_transfer.api import run_search
    from paddle_transfer.public import check_all_data
    if not arguments.no_data_check:
        check_all_data(settings)
    return run_search(settings, fresh=arguments.fresh, rebuild=arguments.rebuild,
                      paddleclas=arguments.paddleclas,
                      ppcls=lambda: ppcls_folder(arguments.paddleclas),
                      version=locate(arguments.paddleclas).version)


COMMAND = Command(__doc__, add_arguments, run, error_prefix="",
                  interrupted="stopped; the same command begins again")
