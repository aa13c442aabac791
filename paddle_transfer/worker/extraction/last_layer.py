"""A linear classifier as a network's last layer: the tensors, and what has to hold for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paddle_transfer.worker.extraction.classifiers import Affine

Array = NDArray[np.float64]

#: An open rectifier's input is this many times as far from 0 as the features seen require.
SLACK = 1.5


@dataclass(frozen=True)
class LastLayer:
    """The layer that computes a network's logits.

    :param weight: the name of its weights: (d, classes), of a convolution (classes, d, 1, 1)
    :param bias: the name of its bias
    :param convolution: whether it is one, followed by the mean over all positions
    :param rectified: whether its outputs below 0 are cut off before that mean
    """

    weight: str
    bias: str
    convolution: bool = False
    rectified: bool = False

    def tensors(self, affine: Affine, low: Array, high: Array) -> dict[str, NDArray[np.float32]]:
        """The layer's tensors by name, with which the network computes ``affine`` (up to a number
        that is the same for all classes, which neither softmax nor argmax see).

        :param low: (d,) the least that each feature is at any position of any image seen
        :param high: the largest
        """
        bias = affine.bias + (opening(affine, low, high) if self.rectified else 0.0)
        weight = affine.weight.T[:, :, None, None] if self.convolution else affine.weight
        return {self.weight: np.ascontiguousarray(weight, dtype=np.float32),
                self.bias: bias.astype(np.float32)}


def opening(affine: Affine, low: Array, high: Array) -> float:
    """What to add to every bias so that no score of any input between ``low`` and ``high`` is below
    0, and some more.

    A score is least where each feature is ``low`` if its weight is above 0, else ``high``; that is
    a bound for every position of every image, seen or not, whose features are in this box.
    """
    least = np.minimum(affine.weight * low[:, None], affine.weight * high[:, None]).sum(axis=0)
    return SLACK * max(0.0, -float((least + affine.bias).min()))
