"""Smaller dense layers in the place of a network's own, within the shapes of these.

VGG and AlexNet end in two dense layers of 4096 outputs, each with a ReLU, and the classifier. One
hidden layer of n outputs is the first n columns of the first of them; the second one hands these on
(a ReLU of what a ReLU gave changes nothing), and the classifier reads the first n rows. Everything
else is zero, and gets a gradient of exactly zero: what is not there is multiplied by zero on the
way forth and on the way back. So the padded layers train as the small ones would, and the weights
have the names and shapes of the network: PaddleClas's own tools take them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import paddle
from paddle import Tensor, nn

from paddle_transfer.config.new_head import DenseLayers
from paddle_transfer.strategies.worker.dropout import as_evaluated, drop_before, factor_of

#: shape -> new weights, as a network of this shape draws them
Draw = Callable[[Sequence[int]], Tensor]


def replace_dense(model: nn.Layer, dense: DenseLayers, hidden: Sequence[int], *, draw: Draw,
                  dropout: float | None) -> tuple[list[int], float]:
    """Put one or two ``hidden`` layers and a new classifier into the dense layers of ``model``.

    In evaluation the network is its own, so that its weights mean the same everywhere. In training
    its dropout between the dense layers is replaced by one of the rate ``dropout`` before each new
    layer but the first; None: of the network's own rate.

    :returns: inputs, hidden outputs and classes; the rate of dropout
    """
    first, second, last = layers = [getattr(model, name) for name in dense.names]
    between = [getattr(model, name) if name else None for name in dense.dropouts]
    factors = [factor_of(one) for one in between]
    rates = [dropout if dropout is not None else 0.0 if one is None else float(one.p)
             for one in between]
    sizes = [first.weight.shape[0], *hidden, last.weight.shape[1]]
    if len(hidden) == 1:
        _put(first, draw(sizes[:2]))
        _put(second, paddle.eye(hidden[0]) / (factors[0] * factors[1]))
        _put(last, draw(sizes[1:]))
        for parameter in second.parameters():
            parameter.stop_gradient = True
        drop_before([last], rates[0])
    else:
        for layer, size, factor in zip(layers, pairwise(sizes), [1.0, *factors], strict=True):
            _put(layer, draw(size) / factor)
        for layer, rate in zip(layers[1:], rates, strict=True):
            drop_before([layer], rate)
    for name in {*filter(None, dense.dropouts)}:
        setattr(model, name, as_evaluated(getattr(model, name)))
    return sizes, rates[0]


def _put(layer: nn.Linear, weight: Tensor) -> None:
    """Make ``weight`` the upper left corner of the layer's, and all else of the layer zero."""
    rows, columns = weight.shape
    whole = paddle.zeros(layer.weight.shape, dtype=layer.weight.dtype)
    whole[:rows, :columns] = weight
    layer.weight.set_value(whole)
    layer.bias.set_value(paddle.zeros(layer.bias.shape, dtype=layer.bias.dtype))
