"""The faster convolution of small maps gives the same numbers, forwards and backwards."""

from __future__ import annotations

import numpy
import pytest

from benchmarks import fast_convolution
from paddle_transfer.worker.bootstrap import load_ppcls
from paddle_transfer.worker.locate import locate


def outputs(side: int, stride: int):
    """Of one convolution: the output, the gradients of the input and of the weights."""
    import paddle

    paddle.seed(0)
    layer = paddle.nn.Conv2D(3, 4, 3, stride=stride, padding=1, bias_attr=False)
    x = paddle.randn([2, 3, side, side])
    x.stop_gradient = False
    out = layer(x)
    (out * out).sum().backward()
    return [one.numpy() for one in (out, x.grad, layer.weight.grad)]


@pytest.mark.parametrize(("side", "stride", "replaced"), [(1, 1, True), (3, 2, True),
                                                         (2, 1, True), (6, 1, False)])
def test_the_same_numbers(monkeypatch: pytest.MonkeyPatch, side: int, stride: int,
                          replaced: bool) -> None:
    load_ppcls(locate(None))
    import paddle
    from paddle.nn.functional import conv

    expected = outputs(side, stride)
    monkeypatch.setattr(conv, "_conv_nd", conv._conv_nd)  # is put back after the test
    fast_convolution.install()
    seen: list[object] = []
    unfold = paddle.nn.functional.unfold
    monkeypatch.setattr(paddle.nn.functional, "unfold",
                        lambda *args, **kwargs: seen.append(args) or unfold(*args, **kwargs))
    for one, other in zip(outputs(side, stride), expected, strict=True):
        numpy.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert bool(seen) == replaced
