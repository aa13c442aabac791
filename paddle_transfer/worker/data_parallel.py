"""Data-parallel training: what the processes of one training share beside their gradients."""

from __future__ import annotations

from typing import Any

import paddle
from paddle import Tensor, nn

from paddle_transfer.worker.learnt import STATISTICS


def share_statistics(model: nn.Layer) -> None:
    """Give every process the first one's buffers and running statistics of BatchNorm, which are of
    the images that a process has had itself. The first one saves; else a metric would be that of
    several networks, none of which is the one that is kept."""
    if paddle.distributed.get_world_size() == 1:
        return
    statistics = [value for name, value in model.named_parameters() if name.endswith(STATISTICS)]
    for value in [*model.buffers(), *statistics]:
        paddle.distributed.broadcast(value, src=0)


def agreed(answer: bool) -> bool:
    """The first process's ``answer``, in all of them: only it hears that a trial is to stop."""
    if paddle.distributed.get_world_size() == 1:
        return answer
    told = paddle.to_tensor([int(answer)])
    paddle.distributed.broadcast(told, src=0)
    return bool(told.item())


class ThawableParallel:
    """Replaces ``paddle.DataParallel``, which adds up only the gradients of parameters that are
    trained when it is made: of one that is thawed later each process would keep its own value.

    :param trained: parameters that may be trained at some time, whether frozen now or not
    """

    def __init__(self) -> None:
        self.trained: list[Tensor] = []

    def __call__(self, layers: nn.Layer, *args: Any, **kwargs: Any) -> paddle.DataParallel:
        frozen = [one for one in self.trained if one.stop_gradient]
        for parameter in frozen:
            parameter.stop_gradient = False
        try:
            # those that are frozen have no part in a step
            return _DATA_PARALLEL(layers, *args, **{**kwargs, "find_unused_parameters": True})
        finally:
            for parameter in frozen:
                parameter.stop_gradient = True


_DATA_PARALLEL = paddle.DataParallel
