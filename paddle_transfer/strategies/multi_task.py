"""Source and target images are trained together: one backbone, a classifier for each.

Caruana 1997, Multitask Learning. The loss is L_source + weight * L_target; the classifier of the
source is dropped at the end.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from paddle_transfer.config.validation import Options
from paddle_transfer.errors import ValidationIssue
from paddle_transfer.strategies.base import Strategy
from paddle_transfer.strategies.two_lists import REFUSES, check_two_lists


class MultiTaskOptions(Options):
    """``DataLoader.Source`` has the source images, and how many of them are in each step."""

    weight: float = Field(1.0, gt=0, description="lambda: weight of the target's loss beside the "
                          "source's, which has 1")
    target_epochs: int = Field(0, ge=0, description="the last epochs, in which the target alone is "
                               "trained")


class MultiTask(Strategy[MultiTaskOptions]):
    """Images of ``DataLoader.Train`` and of ``DataLoader.Source`` in each step."""

    name = "multi_task"
    options = MultiTaskOptions
    needs_source_data = True
    refuses = REFUSES
    worker = "paddle_transfer.strategies.worker.multi_task:MultiTaskHalf"

    def check(self, config: dict[str, Any], options: MultiTaskOptions) -> list[ValidationIssue]:
        """See ``two_lists``."""
        del options
        return check_two_lists(config, self.name)
