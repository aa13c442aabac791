"""All layers are trained, the backbone at smaller learning rates than the classifier.

Howard & Ruder 2018, Universal Language Model Fine-tuning. VGG16 to VOC2012 with two rates: the
classifier 0.0005, the backbone 0.0001 (``backbone: 0.2``).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from paddle_transfer.config.rules import one_of
from paddle_transfer.config.validation import Options
from paddle_transfer.strategies.base import Strategy


class DiscriminativeOptions(Options):
    """The rate of a layer is that of the config, times ``backbone``, times ``decay`` for every
    stage (or layer) between it and the classifier but the last."""

    backbone: float = Field(0.1, gt=0, le=1, description="learning rate of the backbone's last "
                            "stage, as a multiple of the classifier's")
    decay: float = Field(1.0, gt=0, le=1, description="factor from each stage to the one before it")
    per: Annotated[str, one_of("stage", "layer")] = Field(
        "stage", description="what decay counts: stage, or layer (those with weights)")


class Discriminative(Strategy[DiscriminativeOptions]):
    """On any architecture; ``lr_mult_list`` of PaddleClas is for ResNets."""

    name = "discriminative"
    options = DiscriminativeOptions
    worker = "paddle_transfer.strategies.worker.rates:DiscriminativeHalf"

    def effective(self, options: DiscriminativeOptions) -> dict[str, Any]:
        """Without a decay it is the same what it would count; with no smaller rate at all nothing
        is left of the strategy."""
        unused = {"per"} if options.decay == 1 else set[str]()
        return {} if options.backbone == options.decay == 1 else options.model_dump(exclude=unused)
