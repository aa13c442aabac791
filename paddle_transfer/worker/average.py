"""The moving average of the weights (``EMA``) beside layers that are frozen."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import paddle
from paddle import nn


def moving(model: nn.Layer) -> frozenset[int]:
    """ids of the tensors of ``model`` that a step may change now: parameters that are trained, and
    whatever else belongs to a layer in training mode (statistics)."""
    return frozenset(
        id(one) for layer in model.sublayers(include_self=True)
        for one in layer.state_dict(include_sublayers=False).values()
        if not one.stop_gradient or (layer.training and _is_statistic(layer, one)))


def _is_statistic(layer: nn.Layer, tensor: paddle.Tensor) -> bool:
    others = [*layer.buffers(include_sublayers=False),
              *(getattr(layer, name, None) for name in ("_mean", "_variance"))]
    return any(tensor is one for one in others)


@paddle.no_grad()
def update(average: Any, model: nn.Layer, tensors: Collection[int]) -> None:
    """PaddleClas's step of ``average`` towards ``model``, for some of its tensors (by id).

    A step of equal values would round them: what is frozen has to stay as it was loaded.
    """
    decay = average.decay
    for mean, value in zip(average.module.state_dict().values(), model.state_dict().values(),
                           strict=True):
        if id(value) in tensors:
            paddle.assign(decay * mean + (1. - decay) * value, mean)
