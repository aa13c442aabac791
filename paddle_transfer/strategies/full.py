"""All layers are trained at one learning rate, from the weights that the config asks for."""

from __future__ import annotations

from paddle_transfer.config.validation import Options
from paddle_transfer.strategies.base import Strategy


class Full(Strategy[Options]):
    """PaddleClas's own training; a config without a strategy has this one."""

    name = "full"
    options = Options
