"""PaddleClas's VGG with an eighth of its channels and small dense layers: all else is its own
code."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock


@contextlib.contextmanager
def small_vgg(*, side: int = 32, dense: int = 16) -> Iterator[None]:
    """:param side: of the images in px, a multiple of 32
    :param dense: outputs of its dense layers
    """
    from paddle_transfer.worker.bootstrap import import_with_ppcls
    from paddle_transfer.worker.locate import locate

    import_with_ppcls("networks", locate())
    from paddle import nn
    from ppcls.arch.backbone.legendary_models import vgg

    # inputs and outputs of VGG's own layers -> of the small one's
    sizes = {7 * 7 * 512: (side // 32) ** 2 * 64, 4096: dense}

    def linear(inputs: int, outputs: int) -> nn.Linear:
        return nn.Linear(sizes.get(inputs, inputs), sizes.get(outputs, outputs))

    def conv(in_channels: int, out_channels: int, **arguments: Any) -> nn.Conv2D:
        return nn.Conv2D(in_channels if in_channels == 3 else in_channels // 8,
                         out_channels // 8, **arguments)

    with mock.patch.multiple(vgg, Linear=linear, Conv2D=conv):
        yield


def with_small_vgg(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call ``function``, for ``bridge.Trainings``."""
    with small_vgg():
        return function(*args, **kwargs)
