"""Grid search: every point of the space once, in order, the baseline first."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import override

from paddle_transfer.config.validation import Options
from paddle_transfer.samplers.base import Observation, RegisteredSampler, SamplerContext
from paddle_transfer.samplers.common import (
    exhausted,
    finished_keys,
    first_baseline,
    keys,
    refuse_continuous,
    untaken,
)
from paddle_transfer.space.space import Point, Space


class GridSampler(RegisteredSampler):
    """The product of all values. What is left is a set difference, so resuming needs no stored
    order."""

    name = "grid"
    needs_finite_space = exhaustive = True
    supports_repeats = uses_results = False

    def __init__(self, *, baseline: Point | None = None):
        self.baseline = baseline

    @classmethod
    @override
    def build(cls, options: Options, context: SamplerContext) -> GridSampler:
        """``options`` are none."""
        return cls(baseline=context.baseline)

    @override
    def suggest(self, space: Space, finished: Sequence[Observation], running: Sequence[Point], *,
                seed: int) -> Point | None:
        """As ``Sampler.suggest``; ``seed`` changes nothing. Raises PaddleTransferError for a
        continuous range."""
        refuse_continuous(space, "a grid")
        taken = finished_keys(space, finished) | keys(space, running)
        if exhausted(space, taken):
            return None
        return first_baseline(space, self.baseline, taken) or untaken(space, taken)
