"""What train, eval, infer and export share: options, and an engine for the config."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any

from paddle_transfer.cli.command import (
    Command,
    add_config_arguments,
    add_paddleclas_argument,
    check_pretrained,
)
from paddle_transfer.config import base, load, pretrained
from paddle_transfer.config.shape import require_shape
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.environment import check_output
from paddle_transfer.errors import ConfigError, reading
from paddle_transfer.rules.arguments import ignored
from paddle_transfer.rules.optimizers import OPTIMIZERS
from paddle_transfer.rules.registry import parts_rules
from paddle_transfer.strategies.new_head import check_new_head
from paddle_transfer.strategies.section import check_strategy
from paddle_transfer.worker.bootstrap import open_engine
from paddle_transfer.worker.diverged import Diverged
from paddle_transfer.worker.locate import known_ppcls, locate, require_paddle
from paddle_transfer.worker.options import RunOptions
from paddle_transfer.worker.training import open_training

#: The keys of the folders that the modes write to.
FOLDERS = {"train": ("Global.output_dir",), "eval": ("Global.output_dir",), "infer": (),
           "export": ("Global.save_inference_dir",)}
#: The sections without which PaddleClas does not open an engine.
NEEDED = {"train": ("Arch", "Loss.Train", "Optimizer", "DataLoader.Train"),
          "eval": ("Arch", "DataLoader.Eval"), "infer": ("Arch", "Infer.transforms"),
          "export": ("Arch", "DataLoader")}


def engine_command(description: str, body: Callable[[Any], int], *, mode: str,
                   log_file: bool = True) -> Command:
    """A command that calls ``body`` with an engine, opened in ``mode`` for the config; in the mode
    ``train`` with a ``Training``."""
    def run(arguments: argparse.Namespace) -> int:
        options = RunOptions(metric=getattr(arguments, "metric", None), log_file=log_file)
        config = read_config(arguments, mode=mode)
        check_output(config, arguments.config, FOLDERS[mode])
        if config["Global"]["device"] == "cpu":
            # As in a search's workers: with another number of threads sums are rounded differently.
            os.environ.setdefault("OMP_NUM_THREADS", "1")
        require_paddle()
        home = locate(arguments.paddleclas)
        print(f"paddle_transfer: {home}", flush=True)
        try:
            if mode == "train":
                with open_training(config, home=home, options=options) as training:
                    return body(training)
            with open_engine(config, mode=mode, home=home, options=options) as engine:
                return body(engine)
        except Diverged as error:
            print(f"error: the training diverged: {error}", file=sys.stderr)
            return 1

    return Command(description, add_arguments, run, interrupted="interrupted")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add PaddleClas's options."""
    add_config_arguments(parser, kind="a PaddleClas config", example="oxford_iiit_pets",
                         override="replaces a value of the config, e.g. -o Global.epochs=2")
    parser.add_argument("--pretrained", metavar="WEIGHTS", help="sets Transfer.pretrained: "
                        "imagenet, imagenet_ssld, 10w, none, a file or an address")
    add_paddleclas_argument(parser)


def read_config(arguments: argparse.Namespace, *, mode: str) -> dict[str, Any]:
    """The complete config that ``arguments`` name, for an engine in ``mode``. Raises
    ConfigError."""
    with reading(arguments.config):
        return _read_config(arguments, mode=mode)


def _read_config(arguments: argparse.Namespace, *, mode: str) -> dict[str, Any]:
    check_pretrained(arguments)
    config = load.apply_overrides(load.load_yaml(arguments.config), arguments.override)
    require_shape(config, arguments.config, NEEDED[mode])
    if arguments.pretrained is not None:
        pretrained.set_weights(config, arguments.pretrained)
    pretrained.require_valid_transfer(config, file=arguments.config, train=mode == "train")
    issues = ValidationIssues()
    check_new_head(config, issues)
    if mode == "train":
        _check_training(config, arguments, issues)
    if issues:
        raise ConfigError(arguments.config, issues)
    return base.complete(config)


def _check_training(config: dict[str, Any], arguments: argparse.Namespace,
                    issues: ValidationIssues) -> None:
    """Add what cannot be built; say what PaddleClas passes over."""
    issues += check_strategy(config)
    ppcls = known_ppcls(arguments.paddleclas)
    for rule in (OPTIMIZERS, *(parts_rules(ppcls) if ppcls else ())):
        rule.check(config, issues)
    for path, why in ignored(config, ppcls).items() if not issues else ():
        print(f"note: {path} is not used: {why}.", flush=True)
