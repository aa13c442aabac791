"""What all commands share: options, errors and exit codes."""

import argparse
import io
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from paddle_transfer.cli.parser import OptionParser
from paddle_transfer.config.shipped import find_config
from paddle_transfer.errors import ConfigError, PaddleTransferError, ValidationIssue, one_line

#: Exit code of a fault of this program or of a library, as opposed to a mistake in its input (2).
FAULT = 70
#: An environment variable: when it is set, every error shows its traceback.
TRACEBACK = "PADDLE_TRANSFER_TRACEBACK"


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
        parser = OptionParser(prog=prog, description=self.description,
                              formatter_class=argparse.RawDescriptionHelpFormatter)
        self.add_arguments(parser)
        return guarded(lambda: self.run(parser.parse_args(argv)), interrupted=self.interrupted,
                       error_prefix=self.error_prefix)


def guarded(run: Callable[[], int], *, interrupted: str = "stopped; the same command goes on",
            error_prefix: str = "error: ") -> int:
    """The exit code of ``run``; whatever it raises is told without a traceback."""
    for stream in (sys.stdout, sys.stderr):  # a name that the terminal cannot show ends nothing
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return run()
    except PaddleTransferError as error:
        if os.environ.get(TRACEBACK):
            traceback.print_exc()
        print(f"{error_prefix}{error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"\n{interrupted}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        print(_fault(error), file=sys.stderr)
        return FAULT


def _fault(error: Exception) -> str:
    """One line about an error that nobody foresaw: what, where, and which file has the rest."""
    if os.environ.get(TRACEBACK):
        traceback.print_exc()
        told = "The traceback is above"
    else:
        try:
            handle, file = tempfile.mkstemp(prefix="paddle_transfer-error-", suffix=".txt")
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
                traceback.print_exception(error, file=stream)
            told = f"The traceback is in {file}"
        except OSError:
            told = f"{TRACEBACK}=1 shows the traceback"
    last = traceback.extract_tb(error.__traceback__)[-1]
    return (f"error: unexpected {type(error).__name__} in {last.filename}, line {last.lineno}: "
            f"{one_line(error, 400)}. {told}; please report it")


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


def check_pretrained(arguments: argparse.Namespace) -> None:
    """Raise ConfigError if -o names other weights than --pretrained."""
    if arguments.pretrained is None:
        return
    issues = []
    for option in arguments.override:
        path, _, value = option.partition("=")
        if (path.strip() in ("Transfer.pretrained", "Global.pretrained_model")
                and value.strip() not in ("None", "null", "", arguments.pretrained)):
            issues.append(ValidationIssue(f"-o {option}", "must not name other weights than "
                                          "--pretrained", arguments.pretrained,
                                          "Leave one of them out."))
    if issues:
        raise ConfigError("command line", issues)


def add_paddleclas_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--paddleclas", metavar="DIR",
                        help="a PaddleClas checkout to use (default: PADDLECLAS_HOME, else the "
                        "current directory if it is one, else the installed wheel)")
