"""What the four tools around one engine (train, eval, infer, export) share. Imports paddle only to run it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any

from paddle_transfer.config import base, load, pretrained
from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.worker.diverged import Diverged


def parser(description: str) -> argparse.ArgumentParser:
    """PaddleClas's flags."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("-c", "--config", required=True, help="a PaddleClas config (YAML)")
    made.add_argument(
        "-o", "--override", action="append", default=[], metavar="KEY=VALUE",
        help="replaces a value of the config, e.g. -o Global.epochs=2; may be given again and again"
    )
    made.add_argument("--pretrained", metavar="WEIGHTS", help="sets Transfer.pretrained: imagenet, "
                      "imagenet_ssld, 10w, none, a file or an address")
    made.add_argument(
        "--paddleclas", metavar="DIR", help="a source checkout of PaddleClas to use; default: "
        "$PADDLECLAS_HOME, else the current directory if it is one, else the installed wheel")
    return made


def run(arguments: argparse.Namespace, body: Callable[[Any], int | None], *, mode: str,
        **options: Any) -> int:
    """Opens an engine for the parsed ``arguments`` and hands it to ``body``; returns the exit code. Errors that are
    meant for a user go to stderr without a traceback.

    :param options: see ``worker.engine.Options``
    """
    try:
        config = load.apply_overrides(load.load_yaml(arguments.config), arguments.override)
        if arguments.pretrained is not None:
            pretrained.choose(config, arguments.pretrained)
        config = base.complete(
            pretrained.checked(config, file=arguments.config, train=mode == "train"))
        if config["Global"]["device"] == "cpu":
            # as in the worker processes of a search: with other numbers of threads sums round differently,
            # and on a CPU a second thread hardly helps
            os.environ.setdefault("OMP_NUM_THREADS", "1")
        from paddle_transfer.worker.engine import Options, open_engine
        from paddle_transfer.worker.locate import locate, require_paddle

        require_paddle()
        home = locate(arguments.paddleclas)
        print(f"paddle_transfer: {home}", flush=True)
        with open_engine(config, mode=mode, home=home, options=Options(**options)) as engine:
            return body(engine) or 0
    except PaddleTransferError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except Diverged as error:
        print(f"error: the training diverged: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
