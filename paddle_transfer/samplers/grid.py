"""Every point of the product once, in order, the fixed point before all others."""

from __future__ import annotations

from collections.abc import Sequence

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.samplers.base import Observation
from paddle_transfer.samplers.common import exhausted, finished_keys, first_fixed, keys, untaken
from paddle_transfer.space.space import Point, Space


class GridSampler:
    """Exactly the product: what is left is a set difference, so resuming needs no memory of an order."""

    def __init__(self, *, fixed: Point | None = None):
        self.fixed = fixed

    def suggest(self, space: Space, finished: Sequence[Observation], running: Sequence[Point], *,
                seed: int) -> Point | None:
        """As ``Sampler.suggest``; ``seed`` changes nothing.

        :raises PaddleTransferError: when a range of the space has no end of values
        """
        if space.size is None:
            endless = [h.name for h in space.hyperparameters if h.size is None]
            raise PaddleTransferError(
                f"search_mode: a grid needs finite choices, but {', '.join(endless)} "
                f"is a continuous range. List search_values, or use bayes or random.")
        taken = finished_keys(space, finished) | keys(space, running)
        if exhausted(space, taken):
            return None
        return first_fixed(space, self.fixed, taken) or untaken(space, taken)
