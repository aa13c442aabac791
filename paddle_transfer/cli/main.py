"""The console script ``paddle-transfer``. Each command is a module, imported when it is called."""

import argparse
import sys
from collections.abc import Sequence

from paddle_transfer import __version__
from paddle_transfer.cli.command import Command
from paddle_transfer.cli.parser import OptionParser
from paddle_transfer.registry import attribute_of

#: Name -> help. The module ``paddle_transfer.cli.NAME`` has the ``COMMAND``.
COMMANDS = {
    "search": "search the settings of a transfer",
    "train": "train one config",
    "eval": "evaluate weights",
    "infer": "predict images",
    "export": "export weights for inference",
    "prepare": "make the list files of a data set",
    "check": "find faults in lists and images",
    "weights": "list, fetch, verify, inspect and convert pretrained weights",
    "report": "write the report of a search",
    "schema": "print the JSON Schema of search files, for editors",
}

DESCRIPTION = "Transfer learning for PaddleClas: searches, trainings, data and weights."
EPILOG = """\
Configs (-c) are files, or the names of shipped ones: paddle-transfer search -c dtd_bayes.
paddle-transfer COMMAND --help shows the options of a command."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the first argument names; returns the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] in COMMANDS:
        command: Command = attribute_of(f"paddle_transfer.cli.{argv[0]}:COMMAND")
        return command.main(argv[1:], prog=f"paddle-transfer {argv[0]}")
    parser = OptionParser(prog="paddle-transfer", description=DESCRIPTION, epilog=EPILOG,
                          formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=f"paddle_transfer {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, text in COMMANDS.items():
        commands.add_parser(name, help=text, add_help=False)
    parser.parse_args(argv)
    return parser.error("the first argument must be a COMMAND")


if __name__ == "__main__":
    sys.exit(main())
