"""Installs the options of the head (section ``FineTune``) in a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from paddle import Tensor, nn
from paddle.nn import functional

from paddle_transfer.config import resolve
from paddle_transfer.errors import TrialError
from paddle_transfer.strategies.head_options import HeadOptions
from paddle_transfer.strategies.worker.base import WorkerHalf


class HeadOptionsHalf(WorkerHalf):
    """Dropout before the classifier, and a lower learning rate for the rest."""

    options: HeadOptions
    may_freeze = False

    def model_built(self, model: nn.Layer) -> Sequence[nn.Layer]:
        """:raises TrialError: ``model`` has no linear classifier"""
        rate, factor = self.options.dropout, self.options.backbone_lr_mult
        if not self.options.model_fields_set & {"dropout", "backbone_lr_mult"}:
            return ()
        head = classifier(model, resolve.outputs(dict(self.config)))
        if rate:
            head.register_forward_pre_hook(lambda layer, inputs: _drop(layer, inputs, rate))
        own = {id(parameter) for parameter in head.parameters()}
        for parameter in model.parameters():
            if id(parameter) not in own:
                parameter.optimize_attr["learning_rate"] *= factor
        return ()


def classifier(model: nn.Layer, classes: int | None) -> nn.Linear:
    """The last linear layer of ``model``; the last with ``classes`` outputs where several have.

    :raises TrialError: there is none (SqueezeNet, for one, ends in a convolution)
    """
    found = [layer for layer in model.sublayers() if isinstance(layer, nn.Linear)]
    fitting = [layer for layer in found if layer.weight.shape[-1] == classes]
    if not fitting:
        raise TrialError(
            f"FineTune: {type(model).__name__} has no linear layer for {classes} classes, so "
            "dropout and lr_mult have no place in it. Take these keys out of the search, or choose "
            "another Arch.name")
    return fitting[-1]


def _drop(layer: nn.Layer, inputs: tuple[Tensor, ...], rate: float) -> Any:
    return (functional.dropout(inputs[0], p=rate, training=layer.training), *inputs[1:])
