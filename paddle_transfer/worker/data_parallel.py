"""Data-parallel training of networks whose layers are frozen and thawed on the way."""

from __future__ import annotations

from typing import Any

import paddle
from paddle import Tensor, nn


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
