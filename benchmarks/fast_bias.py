"""Adds the bias of convolutions faster than Paddle's CPU kernel does, for recordings.

The batch_norm kernel with mean 0, variance 1 and scale 1 adds the same numbers; backwards it is
several times as fast as the broadcasting addition. Outputs and gradients agree to 1e-6.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paddle_transfer.worker import runner
from paddle_transfer.worker.bootstrap import load_ppcls
from paddle_transfer.worker.locate import locate


def install() -> None:
    """Replace the addition in this process, once. Import Paddle by ``worker.bootstrap`` before."""
    import paddle
    from paddle.nn.functional import conv

    plain = conv._conv_nd
    if plain.__module__ == __name__:
        return
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


def run(job: dict[str, Any], report: Callable[..., bool]) -> dict[str, Any]:
    """``worker.runner.run`` with the faster addition, for the workers of a search."""
    load_ppcls(locate(job["payload"].get("paddleclas")))
    install()
    return runner.run(job, report)
