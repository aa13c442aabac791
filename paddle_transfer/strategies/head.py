"""Only the new classifier is trained; the backbone stays as it was loaded."""

from __future__ import annotations

from paddle_transfer.config.validation import Options
from paddle_transfer.strategies.base import KEEPS_LAYERS, Strategy


class Head(Strategy[Options]):
    """Weights and BatchNorm statistics of the backbone do not change."""

    name = "head"
    options = Options
    needs_weights = True
    refuses = KEEPS_LAYERS
    trains_backbone = False
    worker = "paddle_transfer.strategies.worker.frozen:HeadHalf"
