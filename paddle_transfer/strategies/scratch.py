"""All layers are trained from random weights: what a transfer is compared with."""

from __future__ import annotations

from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config import resolve
from paddle_transfer.config.pretrained import set_weights
from paddle_transfer.config.validation import Options
from paddle_transfer.errors import ConfigError, ValidationIssue
from paddle_transfer.strategies.base import Strategy


class Scratch(Strategy[Options]):
    """No pretrained weights, whatever the config names."""

    name = "scratch"
    options = Options

    def edit(self, config: dict[str, Any], options: Options) -> None:
        """Take the weights out. It needs nothing of this package afterwards.

        The networks of a distillation that are not trained keep theirs. Raises ConfigError: one
        file has those of all.
        """
        del options
        if resolve.networks(config) and resolve.section(config, "Global").get("pretrained_model"):
            raise ConfigError("the training config", [ValidationIssue(
                "Global.pretrained_model", "cannot stand beside Transfer.strategy: scratch in a "
                "distillation: the teacher would lose its weights, too", "a file",
                "Write the teacher's weights to pretrained in Arch.models.")])
        set_weights(config, "none")
        for path in resolve.trained_networks(config):
            if dotpath.exists(config, f"{path}.pretrained"):
                dotpath.set_(config, f"{path}.pretrained", False)
