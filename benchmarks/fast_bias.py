"""Adds the bias of convolutions faster than Paddle's CPU kernel does, for recordings.

The batch_norm kernel with mean 0, variance 1 and scale 1 adds the same numbers; backwards it is
several times as fast as the broadcasting addition. Outputs and gradients agree to 1e-6.
"""

from __future__ import annotations

from typing import Any


def install() -> None:
    """Replace the addition in this process. Import Paddle by ``worker.bootstrap`` before."""
    import paddle
    from paddle.nn.functional import conv

    plain = conv._conv_nd
    constants: dict[int, tuple[Any, Any, Any]] = {}

    def fast(x: Any, weight: Any, bias: Any = None, *args: Any, **kwargs: Any) -> Any:
        if bias is None or bias.stop_gradient:  # a frozen layer needs no gradient at all
            return plain(x, weight, bias, *args, **kwargs)
        out = plain(x, weight, None, *args, **kwargs)
        channels = int(bias.shape[0])
        if channels not in constants:
            scale = paddle.ones([channels])
            scale.stop_gradient = False  # otherwise the kernel gives no gradient of the bias
            constants[channels] = (paddle.zeros([channels]), paddle.ones([channels]), scale)
        mean, variance, scale = constants[channels]
        scale.clear_gradient()
        return paddle.nn.functional.batch_norm(
            out, mean, variance, weight=scale, bias=bias, training=True, use_global_stats=True,
            epsilon=0.0)

    conv._conv_nd = fast
