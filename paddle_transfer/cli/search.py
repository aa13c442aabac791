"""Searches the settings of a transfer: search -c search.yaml [-o max_iter=10 ...]

The same command again continues where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import sys

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.settings.search_file import load_search_file


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-c", "--config", required=True, help="the search file")
    parser.add_argument(
        "-o", "--override", action="append", default=[], metavar="KEY=VALUE", help=
        "max_iter=10 overrides the search file, Global.epochs=5 the base config; may be repeated")
    parser.add_argument("--dry-run", action="store_true",
                        help="check everything, print the trials and one config, end")
    parser.add_argument("--fresh", action="store_true",
                        help="begin anew; what is in output_dir is moved aside, not lost")
    parser.add_argument(
        "--pretrained", metavar="WEIGHTS", help="imagenet, imagenet_ssld, 10w, none, a file or "
        "an address, in the place of what the base config begins with")
    parser.add_argument("--no-data-check", action="store_true",
                        help="do not look at lists and images before training")
    parser.add_argument(
        "--paddleclas", metavar="DIR",
        help="a PaddleClas checkout to train with (default: PADDLECLAS_HOME, the current directory, "
        "else the installed wheel)")
    return parser.parse_args(argv)


def main(argv=None) -> int:
    arguments = parse_args(argv)
    if arguments.pretrained is not None:
        arguments.override += [f"Transfer.pretrained={json.dumps(arguments.pretrained)}",
                               "Global.pretrained_model=None"]
    try:
        settings = load_search_file(arguments.config, arguments.override, dry_run=arguments.dry_run,
                               paddleclas=arguments.paddleclas)
        if arguments.dry_run:
            from paddle_transfer.report.preview import preview
            print(preview(settings, colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR")),
                  flush=True)
            return 0
        if not arguments.no_data_check:
            from paddle_transfer.cli.check import before_search
            before_search(settings.base_config, file=settings.base_config_file)
        from paddle_transfer.api import run_search
        from paddle_transfer.worker.locate import (  # imports neither paddle nor ppcls
            locate,
            ppcls_folder,
        )
        return run_search(settings, fresh=arguments.fresh, paddleclas=arguments.paddleclas,
                          ppcls=lambda: ppcls_folder(arguments.paddleclas),
                          version=locate(arguments.paddleclas).version)
    except PaddleTransferError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:  # before the search proper, which ends by itself
        print("\nstopped; the same command begins again", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141

