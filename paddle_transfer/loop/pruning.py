"""The pruner of a search, from its settings."""

from __future__ import annotations

from paddle_transfer.pruners.base import Length
from paddle_transfer.pruners.registry import TrialPruner, make_pruner
from paddle_transfer.registry import Component
from paddle_transfer.settings.groups import BaseTraining, Repeats
from paddle_transfer.space.optimizers import warmup_epochs
from paddle_transfer.space.space import Point, Space
from paddle_transfer.stages.base import SearchStages
from paddle_transfer.study.records import Proposal


def trial_pruner(component: Component | None, *, base: BaseTraining, space: Space,
                 stages: SearchStages, repeats: Repeats) -> TrialPruner | None:
    """The pruner that the driver asks; None where nothing is pruned.

    Raises PaddleTransferError with every mistake in ``component``, also where nothing is pruned.
    """
    def length(point: Point) -> Length:
        config = stages.raw_config(Proposal(point))
        return Length(int(config["Global"]["epochs"]), warmup_epochs(config))

    pruner = make_pruner(component, epochs=int(base.config["Global"]["epochs"]))
    if pruner is None or not stages.supports_pruning:
        return None
    return TrialPruner(pruner, space=space, length=length, seed=repeats.seed)
