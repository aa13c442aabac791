"""The statistics of BatchNorm, taken from one list: of trainings that read two.

Batches of two lists pass one by one, each normalised by its own statistics; the running averages,
which an evaluation uses, are a mixture that no batch ever had (docs/benchmarks/domains.md).
"""

from __future__ import annotations

import paddle
from paddle import nn

from paddle_transfer.strategies.worker.base import TrainedEngine


class Statistics:
    """Of every BatchNorm of a network; ``norms`` is empty where there is none."""

    def __init__(self, model: nn.Layer):
        self.norms = [layer for layer in model.sublayers() if hasattr(layer, "_variance")]

    def take(self, engine: TrainedEngine, part: str) -> None:
        """Set them to the mean over the batches of ``DataLoader.<part>``, transformed as in an
        evaluation (Li et al. 2016, https://arxiv.org/abs/1603.04779)."""
        if not self.norms:
            return
        modes = [(layer, layer.training) for layer in engine.model.sublayers(include_self=True)]
        momenta = [norm._momentum for norm in self.norms]
        engine.model.eval()
        try:
            with paddle.no_grad():
                for number, batch in enumerate(engine.whole_list(part)):
                    for norm in self.norms:
                        norm.training, norm._momentum = True, number / (number + 1)
                    engine.forward(batch[0])
        finally:
            for layer, training in modes:
                layer.training = training
            for norm, momentum in zip(self.norms, momenta, strict=True):
                norm._momentum = momentum
