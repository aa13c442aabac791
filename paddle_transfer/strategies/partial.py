"""The classifier and the last stages are trained; what comes before them stays as it was loaded.

Yosinski et al. 2014, How transferable are features in deep neural networks?
"""

from __future__ import annotations

from pydantic import Field

from paddle_transfer.config.validation import Options
from paddle_transfer.strategies.base import KEEPS_LAYERS, Strategy


class PartialOptions(Options):
    """See ``strategies.worker.parts`` for what a stage is."""

    stages: int = Field(1, ge=1, description="how many of the backbone's last stages are trained; "
                        "a stage is what lies between two halvings of the resolution")


class Partial(Strategy[PartialOptions]):
    """Weights and BatchNorm statistics of the first stages do not change."""

    name = "partial"
    options = PartialOptions
    needs_weights = True
    refuses = KEEPS_LAYERS
    worker = "paddle_transfer.strategies.worker.frozen:PartialHalf"
