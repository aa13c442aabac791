"""All layers are trained from random weights: what a transfer is compared with."""

from __future__ import annotations

from typing import Any

from paddle_transfer.config.pretrained import set_weights
from paddle_transfer.config.validation import Options
from paddle_transfer.strategies.base import Strategy


class Scratch(Strategy[Options]):
    """No pretrained weights, whatever the config names."""

    name = "scratch"
    options = Options

    def edit(self, config: dict[str, Any], options: Options) -> None:
        """Take the weights out. It needs nothing of this package afterwards."""
        del options
        set_weights(config, "none")
        if "pretrained" in config.get("Arch", {}):
            config["Arch"]["pretrained"] = False
