"""First the classifier alone is trained, then all layers, or one more stage after the other.

With ``stage_epochs: 0`` it is linear probing, then fine-tuning (Kumar et al. 2022, Fine-Tuning can
Distort Pretrained Features and Underperform Out-of-Distribution); otherwise gradual unfreezing
(Howard & Ruder 2018, Universal Language Model Fine-tuning).
"""

from __future__ import annotations

from pydantic import Field

from paddle_transfer.config.validation import Options
from paddle_transfer.strategies.base import KEEPS_LAYERS, Strategy


class GradualOptions(Options):
    """See ``strategies.worker.parts`` for what a stage is."""

    head_epochs: int = Field(1, ge=1, description="epochs in which the classifier alone is trained")
    stage_epochs: int = Field(0, ge=0, description="epochs after which one more stage is trained, "
                              "the last one first; 0: all at once")


def trained_stages(options: GradualOptions, epoch: int) -> int | None:
    """How many of the backbone's last stages are trained in ``epoch`` (from 1); None: all."""
    over = epoch - options.head_epochs
    if over <= 0:
        return 0
    return 1 + (over - 1) // options.stage_epochs if options.stage_epochs else None


class Gradual(Strategy[GradualOptions]):
    """Layers that are not trained yet keep their BatchNorm statistics, too."""

    name = "gradual"
    options = GradualOptions
    needs_weights = True
    refuses = KEEPS_LAYERS
    worker = "paddle_transfer.strategies.worker.frozen:GradualHalf"
