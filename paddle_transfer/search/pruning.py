"""The pruner of a search, from its settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from paddle_transfer.pruners.registry import TrialPruner, make_pruner
from paddle_transfer.space.space import Point
from paddle_transfer.stages.distillation import raw_config


def trial_pruner(settings: Any, spec: Mapping[str, Any] | None) -> TrialPruner | None:
    """What the driver asks in the search of ``settings``, or None.

    A greedy search compares whole trainings of one step with each other, and trains teachers and students that
    nothing else compares with: there, nothing is pruned.

    :raises PaddleTransferError: with every mistake in ``spec``, in a greedy search too
    """
    def epochs(point: Point) -> int:
        return int(raw_config(settings, point)["Global"]["epochs"])

    pruner = make_pruner(spec, epochs=int(settings.base_config["Global"]["epochs"]))
    if pruner is None or settings.search_mode == "greedy":
        return None
    return TrialPruner(pruner, space=settings.space, epochs=epochs, seed=settings.seed)
