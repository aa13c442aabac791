"""A way to transfer as a third party would write one; its worker half is toy_strategy_worker."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from paddle_transfer.config.validation import Options
from paddle_transfer.strategies.base import Strategy


class ToyOptions(Options):
    momentum: float = Field(0.5, ge=0, lt=1)
    thaw_in: int = Field(2, ge=1)


class Toy(Strategy[ToyOptions]):
    """Trains the classifier only, and from epoch ``thaw_in`` on the first layer, too."""

    name = "toy"
    options = ToyOptions
    worker = "tests.helpers.toy_strategy_worker:ToyHalf"

    def edit(self, config: dict[str, Any], options: ToyOptions) -> None:
        config["Optimizer"]["momentum"] = options.momentum


class NeedsEverything(Strategy[Options]):
    """Needs data that no config here has."""

    name = "needs_everything"
    options = Options
    needs_source_data = needs_unlabeled_data = True

    def edit(self, config: dict[str, Any], options: Options) -> None:
        assert isinstance(options, self.options)
        config["Global"]["epochs"] = 1
