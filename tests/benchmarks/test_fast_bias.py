"""The faster addition of biases gives the same numbers, forwards and backwards."""

from __future__ import annotations

import numpy
import pytest

from benchmarks import fast_bias
from paddle_transfer.worker.bootstrap import load_ppcls
from paddle_transfer.worker.locate import locate


def outputs(*, frozen: bool = False):
    """Two convolutions: the output, the gradients of the input and of both biases."""
    import paddle

    paddle.seed(0)
    first, second = paddle.nn.Conv2D(3, 4, 3), paddle.nn.Conv2D(4, 2, 1)
    for parameter in first.parameters() if frozen else ():
        parameter.stop_gradient = True
    for layer in (first, second):
        layer.bias.set_value(paddle.randn(layer.bias.shape))
    x = paddle.randn([2, 3, 5, 5])
    x.stop_gradient = frozen
    out = second(first(x))
    (out * out).sum().backward()
    found = (out, x.grad, first.bias.grad, second.bias.grad, second.weight.grad)
    return [None if one is None else one.numpy() for one in found]


@pytest.fixture
def conv(monkeypatch: pytest.MonkeyPatch):
    load_ppcls(locate(None))
    from paddle.nn.functional import conv as module

    monkeypatch.setattr(module, "_conv_nd", module._conv_nd)  # is put back after the test
    return module


@pytest.mark.parametrize("frozen", [False, True])
def test_the_same_numbers(conv, frozen: bool) -> None:
    plain, expected = conv._conv_nd, outputs(frozen=frozen)
    fast_bias.install()
    assert conv._conv_nd is not plain
    found = outputs(frozen=frozen)
    assert [one is None for one in found] == [False, frozen, frozen, False, False]
    for one, other in zip(found, expected, strict=True):
        if one is not None:
            numpy.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_installing_twice_adds_once(conv) -> None:
    fast_bias.install()
    once = conv._conv_nd
    fast_bias.install()
    assert conv._conv_nd is once
