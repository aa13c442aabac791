"""The strategy ``discriminative``: a learning rate for every stage or layer."""

from __future__ import annotations

from collections.abc import Sequence

from paddle import nn

from paddle_transfer.strategies.discriminative import DiscriminativeOptions
from paddle_transfer.strategies.worker.base import WorkerHalf


class DiscriminativeHalf(WorkerHalf):
    """Multiplies the learning rates of parameters, which Paddle's optimizers heed."""

    options: DiscriminativeOptions
    may_freeze = False

    def model_built(self, model: nn.Layer) -> Sequence[nn.Layer]:
        stages = self.split(model).stages
        steps = stages if self.options.per == "stage" else [
            (layer,) for stage in stages for layer in stage
            if any(True for _ in layer.named_parameters(include_sublayers=False))]
        for i, layers in enumerate(reversed(steps)):
            factor = self.options.backbone * self.options.decay**i
            for layer in layers:
                for _, parameter in layer.named_parameters(include_sublayers=False):
                    parameter.optimize_attr["learning_rate"] *= factor
        return ()
