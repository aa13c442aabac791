"""The pruner ``auto``: ends a trial that is almost surely not to come near the best one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from typing_extensions import override

from paddle_transfer.config.validation import Options
from paddle_transfer.pruners.base import Pruner, RegisteredPruner
from paddle_transfer.samplers.base import Observation
from paddle_transfer.space.space import Space

if TYPE_CHECKING:
    from paddle_transfer.samplers.gp.hyperprior import Hyperprior


class CurvesPruner(RegisteredPruner, Pruner):
    """Goes by the trial's curve and by the model of the points; ``seed`` changes nothing.

    :param hyperprior: of that model; None: what ships with the package
    """

    name = "auto"

    def __init__(self, hyperprior: Hyperprior | None = None):
        self._hyperprior = hyperprior

    @classmethod
    @override
    def build(cls, options: Options, *, epochs: int) -> CurvesPruner:
        return cls()

    @override
    def should_stop(self, space: Space, trial: Observation, finished: Sequence[Observation], *,
                    epochs: int, seed: int) -> bool:
        from paddle_transfer.pruners.hopeless import is_hopeless  # late: scikit-optimize
        return is_hopeless(space, trial, finished, epochs=epochs, hyperprior=self._hyperprior)
