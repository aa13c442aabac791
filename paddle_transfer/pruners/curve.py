"""The pruner ``auto``: ends a trial that is almost surely not to come near the best one."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import override

from paddle_transfer.config.validation import Options
from paddle_transfer.pruners.base import Pruner, RegisteredPruner
from paddle_transfer.samplers.base import Observation
from paddle_transfer.space.space import Space


class CurvesPruner(RegisteredPruner, Pruner):
    """Goes by the trial's curve and by the model of the points; ``seed`` changes nothing."""

    name = "auto"

    @classmethod
    @override
    def build(cls, options: Options, *, epochs: int) -> CurvesPruner:
        return cls()

    @override
    def should_stop(self, space: Space, trial: Observation, finished: Sequence[Observation], *,
                    epochs: int, seed: int) -> bool:
        from paddle_transfer.pruners.hopeless import is_hopeless  # late: scikit-optimize
        return is_hopeless(space, trial, finished, epochs=epochs)
