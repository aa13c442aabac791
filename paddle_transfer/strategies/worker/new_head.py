"""Installs ``Transfer.head`` in a network: new layers, how they are drawn, and dropout."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import paddle
from paddle import Tensor, nn
from paddle.nn.initializer import Constant, KaimingNormal, Normal, XavierUniform

from paddle_transfer.config import new_head
from paddle_transfer.strategies.new_head import NewHead
from paddle_transfer.strategies.worker.base import WorkerHalf
from paddle_transfer.strategies.worker.dense import replace_dense
from paddle_transfer.strategies.worker.dropout import drop_before

#: ``Transfer.head.init`` -> what draws a weight.
INITIALIZERS: dict[str, Callable[[], object]] = {
    "xavier": XavierUniform, "kaiming": KaimingNormal, "normal": lambda: Normal(0.0, 0.01),
    "zeros": lambda: Constant(0.0)}


class NewHeadHalf(WorkerHalf):
    """Tells in the log what it puts where."""

    options: NewHead
    may_freeze = False  # what it freezes it never thaws

    def model_built(self, model: nn.Layer) -> Sequence[nn.Layer]:
        head, dense = self.options, new_head.dense_layers(dict(self.config))
        drawn = f", weights drawn by {head.init}" if head.init else ""
        if head.hidden and dense is not None:
            sizes, rate = replace_dense(model, dense, head.hidden, dropout=head.dropout,
                                        draw=lambda shape: draw(shape, head.init or "xavier"))
            text = f"{', '.join(dense.names)} are now {' -> '.join(map(str, sizes))} within " \
                f"their own shapes, with ReLU, weights drawn by {head.init or 'xavier'}"
        else:
            rate, new = head.dropout or 0.0, self.find_head()
            if head.init:
                redraw(model, new, head.init)
            drop_before(owners(model, self.find_classifier()), rate)
            text = f"new are {', '.join(dict.fromkeys(name.rpartition('.')[0] for name in new))}" \
                + drawn
        print(f"paddle_transfer: head: {text}, dropout {rate:g}", flush=True)
        return ()


def draw(shape: Sequence[int], init: str) -> Tensor:
    """A weight of ``shape`` as ``init`` draws it: [inputs, outputs] of a linear layer, [outputs,
    inputs, height, width] of a convolution."""
    return paddle.create_parameter(list(shape), "float32",
                                   default_initializer=INITIALIZERS[init]()).detach()


def redraw(model: nn.Layer, names: Collection[str], init: str) -> None:
    """Draw the weights ``names`` of ``model`` again, and set its biases ``names`` to zero."""
    for name, parameter in model.named_parameters():
        if name not in names:
            continue
        if len(parameter.shape) > 1:
            parameter.set_value(draw(parameter.shape, init).astype(parameter.dtype))
        elif name.rpartition(".")[2] == "bias":
            parameter.set_value(paddle.zeros_like(parameter))


def owners(model: nn.Layer, names: Collection[str]) -> list[nn.Layer]:
    """The layers of ``model`` that own one of the tensors ``names``."""
    return [layer for prefix, layer in model.named_sublayers(include_self=True)
            if any(f"{prefix}.{own}".lstrip(".") in names
                   for own, _ in layer.named_parameters(include_sublayers=False))]
