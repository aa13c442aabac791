"""What passes through a network show of one layer, of the dropout before it and of its answers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import paddle
from paddle import Tensor, nn

from paddle_transfer.errors import TrialError, did_you_mean

#: How a network makes its answers (n, classes) of what its classifier gives: the names of what
#: follows it. See ``answers``.
ENDS = ("", "mean", "relu, mean")


@dataclass
class Seen:
    """What a pass through a network has shown.

    :param input: of the classifier
    :param before: what its dropout layer got, in the place of ``input``
    :param dropout: that layer; None without one
    :param output: of the classifier, or of the named layer
    """

    input: Tensor | None = None
    before: Tensor | None = None
    dropout: nn.Layer | None = None
    output: Tensor | None = None


@contextlib.contextmanager
def watched(model: nn.Layer, layer: nn.Layer) -> Iterator[Seen]:
    """Note what every pass shows of ``layer`` and of the dropout before it."""
    seen, dropped = Seen(), list[tuple[nn.Layer, Tensor, Tensor]]()

    def before(_: nn.Layer, inputs: tuple[Tensor, ...]) -> None:
        seen.input = seen.before = inputs[0]
        seen.dropout = None
        for one, got, given in reversed(dropped):
            if _same_numbers(given, inputs[0]):
                seen.before, seen.dropout = got, one
                break
        dropped.clear()

    def after(_: nn.Layer, __: object, output: Any) -> None:
        seen.output = output[0] if isinstance(output, (list, tuple)) else output

    def drop(one: nn.Layer, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        dropped.append((one, inputs[0], output))

    first: Any = layer.register_forward_pre_hook(before)  # type: ignore[arg-type]  # may give None
    # before the hooks of others, which may drop inputs themselves
    layer._forward_pre_hooks.move_to_end(first._hook_id, last=False)
    hooks = [first, layer.register_forward_post_hook(after)]  # type: ignore[arg-type]
    hooks += [one.register_forward_post_hook(drop)  # type: ignore[arg-type]
              for one in model.sublayers() if isinstance(one, nn.Dropout) and one is not layer]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _same_numbers(one: Tensor, other: Tensor) -> bool:
    """Whether a flattening at most lies between the two."""
    return bool(one.size == other.size and one.shape[0] == other.shape[0]
                and paddle.equal_all(one.reshape(other.shape), other))


@contextlib.contextmanager
def modes_kept(model: nn.Layer) -> Iterator[None]:
    """Leave every layer in its mode, whatever happens to it meanwhile."""
    modes = [(layer, layer.training) for layer in model.sublayers(include_self=True)]
    try:
        yield
    finally:
        for layer, training in modes:
            layer.training = training


def answers(output: Tensor, end: str) -> Tensor:
    """The network's answers by what its classifier gives and what follows it."""
    if end.startswith("relu"):
        output = nn.functional.relu(output)
    return output.mean(axis=[2, 3]) if end.endswith("mean") and output.ndim == 4 else output


def named_layer(model: nn.Layer, name: str) -> nn.Layer:
    """:raises TrialError: ``model`` has no such layer"""
    layers = dict(model.named_sublayers())
    if name not in layers:
        raise TrialError(f"{type(model).__name__} has no layer {name!r}. "
                         f"{did_you_mean(name, list(layers))}")
    return layers[name]
