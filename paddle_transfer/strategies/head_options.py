"""The config section ``FineTune``: what PaddleClas has no place for, on any architecture.

``dropout`` (a rate) acts on what goes into the classifier, ``backbone_lr_mult`` multiplies the learning rate of all
other parameters. Both only in training, and without new names in the weights, so that these load anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from paddle_transfer.config.base import class_num
from paddle_transfer.errors import TrialError, did_you_mean

KEYS = ("dropout", "backbone_lr_mult", "note")


def install(model: Any, config: Mapping, *, mode: str) -> None:
    """Makes a built ``model`` do what ``config["FineTune"]`` says.

    :raises TrialError: an unknown key, or a model without a linear classifier
    """
    section = config.get("FineTune") or {}
    for key in section:
        if key not in KEYS:
            raise TrialError(f"FineTune.{key}: unknown key. {did_you_mean(key, KEYS)}")
    if mode != "train" or not set(section) & {"dropout", "backbone_lr_mult"}:
        return
    head = classifier(model, class_num(config))
    if section.get("dropout"):
        _drop_before(head, rate=float(section["dropout"]))
    factor = section.get("backbone_lr_mult", 1.0)
    own = {id(parameter) for parameter in head.parameters()}
    for parameter in model.parameters():
        if id(parameter) not in own:
            parameter.optimize_attr["learning_rate"] *= float(factor)


def classifier(model: Any, classes: Any) -> Any:
    """The last linear layer of ``model``; where several give ``classes`` numbers, the last of these.

    :raises TrialError: there is none (SqueezeNet, for one, ends in a convolution)
    """
    from paddle import nn
    found = [layer for layer in model.sublayers() if isinstance(layer, nn.Linear)]
    fitting = [layer for layer in found if layer.weight.shape[-1] == classes]
    if not fitting:
        raise TrialError(
            f"FineTune: {type(model).__name__} has no linear layer for {classes} classes, so dropout and "
            "lr_mult have no place in it. Take these keys out of the search, or choose another Arch.name"
        )
    return fitting[-1]


def _drop_before(layer: Any, *, rate: float) -> None:
    from paddle.nn import functional

    def drop(layer, inputs):
        return (functional.dropout(inputs[0], p=rate, training=layer.training), *inputs[1:])
    layer.register_forward_pre_hook(drop)
