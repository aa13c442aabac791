"""Grid search: every point of the space once, in order, the baseline first."""

from __future__ import annotations

from typing_extensions import override

from paddle_transfer.samplers.common import SamplerBase, Trials
from paddle_transfer.space.space import Point


class GridSampler(SamplerBase):
    """The product of all values. What is left is a set difference: resuming needs no order."""

    name = "grid"
    needs_finite_space = exhaustive = True
    supports_repeats = uses_results = False

    @override
    def propose(self, trials: Trials) -> Point | None:
        return trials.untaken()
