"""Dropout that acts in training only and has no name in a network's weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from paddle import Tensor, nn
from paddle.nn import functional


def drop_before(layers: Iterable[nn.Layer], rate: float) -> None:
    """Drop a share ``rate`` of what goes into each of ``layers`` in training, and divide what stays
    by ``1 - rate``."""
    for layer in layers if rate else ():
        layer.register_forward_pre_hook(lambda one, inputs: _drop(one, inputs, rate))


def _drop(layer: nn.Layer, inputs: tuple[Tensor, ...], rate: float) -> Any:
    return (functional.dropout(inputs[0], p=rate, training=layer.training), *inputs[1:])


def factor_of(dropout: nn.Layer | None) -> float:
    """By what a layer of dropout multiplies in evaluation; 1 for none."""
    if dropout is None or getattr(dropout, "mode", "") != "downscale_in_infer":
        return 1.0
    return 1.0 - float(dropout.p)


class _Scaled(nn.Layer):
    """Multiplies by a number, in training and in evaluation."""

    def __init__(self, factor: float):
        super().__init__()
        self._factor = factor

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs * self._factor


def as_evaluated(dropout: nn.Layer) -> nn.Layer:
    """A layer that does in training, too, what ``dropout`` does in evaluation."""
    return _Scaled(factor_of(dropout))
