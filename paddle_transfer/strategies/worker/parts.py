"""A network of any architecture in parts: the classifier, and the stages of the backbone.

A stage is a run of layers between two halvings of the resolution, as it is seen when one blank
image passes through the network. A network without such (a vision transformer) has the members of
its first list of like blocks as stages.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import paddle
from paddle import nn

from paddle_transfer.errors import TrialError

#: Resolution of the blank image: five halvings leave 7 pixels, more than pooled features have.
SIZE = 224

#: What a network raises for an image of a size that it is not made for.
_SIZE_ERRORS = (ValueError, TypeError, AssertionError, RuntimeError, IndexError)


@dataclass(frozen=True)
class Parts:
    """All layers of a network that have parameters or statistics of their own.

    :param stages: of the backbone, from the image on; in each the layers in the order of the data
    :param head: the classifier
    """

    stages: tuple[tuple[nn.Layer, ...], ...]
    head: tuple[nn.Layer, ...]

    @property
    def backbone(self) -> tuple[nn.Layer, ...]:
        return tuple(layer for stage in self.stages for layer in stage)


def split(model: nn.Layer, head: Collection[str], *, size: int | None = None) -> Parts:
    """The parts of ``model``, which is left as it was; of a distillation the parts of the networks
    that are trained, with their last stages in one.

    :param head: names of the classifier's tensors
    :param size: resolution of the images in training, px, for a network made for one size
    :raises TrialError: it has no classifier, or takes no image of either size
    """
    members = {name: getattr(model, name) for name in getattr(model, "model_name_list", ())}
    if members and head:
        return _joined([_split_member(member, {one[len(name) + 1:] for one in head
                                               if one.startswith(f"{name}.")}, size)
                        for name, member in members.items()
                        if not all(one.stop_gradient for one in member.parameters())])
    owners = _owners(model)
    own_head = tuple(layer for name, layer in owners if _is_head(name, layer, head))
    if not own_head:
        raise TrialError(
            f"{type(model).__name__} has no layer whose size depends on the number of classes, so "
            "Transfer.strategy cannot tell its classifier from its backbone. Choose strategy: "
            "full, or another Arch.name")
    heads = {id(layer) for layer in own_head}
    backbone = [layer for _, layer in owners if id(layer) not in heads]
    owned = set(map(id, backbone))
    inner = [layer for layer in backbone if not any(
        id(other) in owned for other in layer.sublayers())]
    seen = _trace(model, inner, sizes=[SIZE, *([size] if size else [])])
    stages = _by_resolution(seen)
    if len(stages) < 3:
        stages = _by_block(model, [layer for layer, _ in seen]) or stages
    return Parts(_with_unseen(stages, backbone), own_head)


def _split_member(model: nn.Layer, head: Collection[str], size: int | None) -> Parts:
    """A network of a distillation without a classifier is new: layers that learn from others."""
    if head:
        return split(model, head, size=size)
    return Parts((), tuple(layer for _, layer in _owners(model)))


def _joined(parts: Sequence[Parts]) -> Parts:
    """The parts of several networks, stage by stage from the last one on."""
    most = max(len(one.stages) for one in parts)
    aligned = [((), ) * (most - len(one.stages)) + one.stages for one in parts]
    return Parts(tuple(tuple(layer for stage in stages for layer in stage)
                       for stages in zip(*aligned, strict=True)),
                 tuple(layer for one in parts for layer in one.head))


def _owners(model: nn.Layer) -> list[tuple[str, nn.Layer]]:
    """(name, layer) of the layers that own a parameter or a statistic, in their order."""
    return [(name, layer) for name, layer in model.named_sublayers(include_self=True)
            if any(True for _ in layer.named_parameters(include_sublayers=False))
            or any(True for _ in layer.named_buffers(include_sublayers=False))]


def _is_head(name: str, layer: nn.Layer, head: Collection[str]) -> bool:
    prefix = f"{name}." if name else ""
    return any(f"{prefix}{own}" in head
               for own, _ in layer.named_parameters(include_sublayers=False))


def _trace(model: nn.Layer, layers: Sequence[nn.Layer], *, sizes: Sequence[int]
           ) -> list[tuple[nn.Layer, int | None]]:
    """(layer, positions in its output) in the order of the data; None where an output has none.

    :raises TrialError: the network takes no image of these ``sizes``
    """
    modes = [(layer, layer.training) for layer in model.sublayers(include_self=True)]
    model.eval()
    failure = None
    try:
        for size in sizes:
            try:
                return _pass(model, layers, paddle.zeros([1, 3, size, size]))
            except _SIZE_ERRORS as error:
                failure = error
    finally:
        for layer, training in modes:
            layer.training = training
    raise TrialError(f"{type(model).__name__} cannot be divided into stages: it takes no image of "
                     f"{' or '.join(map(str, sizes))} px ({failure})")


@paddle.no_grad()
def _pass(model: nn.Layer, layers: Sequence[nn.Layer], image: paddle.Tensor
          ) -> list[tuple[nn.Layer, int | None]]:
    seen: dict[int, tuple[nn.Layer, int | None]] = {}

    def note(layer: nn.Layer, _: object, output: Any) -> None:
        first = output[0] if isinstance(output, (list, tuple)) else output
        shape = list(getattr(first, "shape", ()))
        positions = (shape[2] * shape[3] if len(shape) == 4 else shape[1] if len(shape) == 3
                     else None)
        seen.setdefault(id(layer), (layer, None if positions == 1 else positions))

    hooks = [layer.register_forward_post_hook(note)  # type: ignore[arg-type]  # may give None
             for layer in layers]
    try:
        try:
            model(image)
        except TypeError:  # a recognition model of newer versions wants the label
            model(image, paddle.zeros([1, 1], dtype="int64"))
    finally:
        for hook in hooks:
            hook.remove()
    return list(seen.values())


def _by_resolution(seen: Sequence[tuple[nn.Layer, int | None]]) -> list[list[nn.Layer]]:
    """A stage begins where the number of positions falls to a half of the stage's or less. Outputs
    without positions (pooled ones, in an attention over channels) stay in the stage around them."""
    stages: list[list[nn.Layer]] = []
    current = 0
    for layer, positions in seen:
        if not stages or (positions is not None and 2 * positions <= current):
            stages.append([])
            current = positions or current
        current = current or positions or 0
        stages[-1].append(layer)
    return stages


def _by_block(model: nn.Layer, seen: Sequence[nn.Layer]) -> list[list[nn.Layer]]:
    """The layers by the member of the first list of like blocks that they are in or follow; []
    without such a list."""
    blocks = next((layer for layer in model.sublayers()
                   if isinstance(layer, (nn.LayerList, nn.Sequential)) and len(layer) > 2
                   and len({type(block) for block in layer}) == 1), None)
    if blocks is None:
        return []
    place = {id(layer): i for i, block in enumerate(blocks)
             for layer in block.sublayers(include_self=True)}
    stages: list[list[nn.Layer]] = [[] for _ in blocks]
    current = 0
    for layer in seen:
        current = place.get(id(layer), current)
        stages[current].append(layer)
    return [stage for stage in stages if stage]


def _with_unseen(stages: Sequence[Sequence[nn.Layer]], backbone: Sequence[nn.Layer]
                 ) -> tuple[tuple[nn.Layer, ...], ...]:
    """``stages`` with the layers through which no image passed, or that only hold parameters (the
    class token of a transformer): each joins the stage of the layer before it."""
    place = {id(layer): i for i, stage in enumerate(stages) for layer in stage}
    made, current = [list(stage) for stage in stages] or [[]], 0
    for layer in backbone:
        if id(layer) in place:
            current = place[id(layer)]
        else:
            made[current].append(layer)
    return tuple(map(tuple, made))
