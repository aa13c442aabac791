"""What all commands share: options, errors and exit codes."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from paddle_transfer.config.shipped import find_config
from paddle_transfer.errors import PaddleTransferError


@dataclass(frozen=True)
class Command:
    """One command, as ``paddle-transfer NAME`` and as a script of ``tools/``.

    :param description: of ``--help``
    :param run: does the work and returns the exit code; imports its libraries itself, so that
        ``--help`` and errors in a config need none of them
    :param interrupted: what is printed after Ctrl-C
    :param error_prefix: before the text of an error
    """

    description: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    interrupted: str = "stopped; the same command goes on"
    error_prefix: str = "error: "

    def main(self, argv: Sequence[str] | None = None, *, prog: str | None = None) -> int:
        """Parse ``argv`` (default: of the process), run, and return the exit code."""
        parser = argparse.ArgumentParser(prog=prog, description=self.description,
                                         formatter_class=argparse.RawDescriptionHelpFormatter)
        self.add_arguments(parser)
        try:
            return self.run(parser.parse_args(argv))
        except PaddleTransferError as error:
            print(f"{self.error_prefix}{error}", file=sys.stderr)
            return error.exit_code
        except KeyboardInterrupt:
            print(f"\n{self.interrupted}", file=sys.stderr)
            return 130
        except BrokenPipeError:  # the reader of our output (head, less) has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141


def add_config_arguments(parser: argparse.ArgumentParser, *, kind: str, example: str,
                         override: str) -> None:
    """Add -c and -o.

    :param kind: of the config
    :param example: name of a shipped config
    :param override: help of -o
    """
    parser.add_argument("-c", "--config", required=True, type=find_config,
                        help=f"{kind}: a file, or the name of a shipped one such as {example}")
    parser.add_argument("-o", "--override", action="append", default=[], metavar="KEY=VALUE",
                        help=f"{override}; may be repeated")


def add_paddleclas_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--paddleclas", metavar="DIR",
                        help="a PaddleClas checkout to use (default: PADDLECLAS_HOME, else the "
                        "current directory if it is one, else the installed wheel)")
