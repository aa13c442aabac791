"""The one affine layer that a network's answers come from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from paddle import nn

from paddle_transfer.errors import TrialError


@dataclass(frozen=True)
class Classifier:
    """A linear layer, or a convolution that acts on every position alone.

    :param name: of the layer: ``fc``; ``weight`` and ``bias`` are its tensors' (``fc.weight``);
        ``bias`` is empty for a layer without one
    """

    layer: nn.Layer
    name: str
    weight: str
    bias: str


def find(model: nn.Layer, head: Collection[str]) -> Classifier:
    """The layer that owns ``head``.

    :param head: names of the tensors whose shape depends on the number of classes
    :raises TrialError: there is none or more than one, or it is not affine
    """
    owners = [(name, layer) for name, layer in model.named_sublayers(include_self=True)
              if any(f"{name}.{own}" in head
                     for own, _ in layer.named_parameters(include_sublayers=False))]
    network = type(model).__name__
    if len(owners) != 1:
        what = "no layer" if not owners else f"{len(owners)} layers ({_names(owners)})"
        raise TrialError(f"{network} has {what} whose size depends on the number of classes, in "
                         "the place of one classifier")
    (name, layer), = owners
    pointwise = isinstance(layer, nn.Conv2D) and not any(
        side != 1 for side in layer.weight.shape[2:]) and getattr(layer, "_groups", 1) == 1
    if not isinstance(layer, nn.Linear) and not pointwise:
        raise TrialError(f"{network}: its classifier {name} is {type(layer).__name__}, neither a "
                         "linear layer nor a convolution of 1 x 1")
    return Classifier(layer, name, f"{name}.weight",
                      f"{name}.bias" if getattr(layer, "bias", None) is not None else "")


def _names(owners: list[tuple[str, nn.Layer]]) -> str:
    return ", ".join(name for name, _ in owners)
