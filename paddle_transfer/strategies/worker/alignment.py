"""What brings the features of two domains together."""

from __future__ import annotations

import math
from typing import Any

import paddle
from paddle import Tensor, nn
from paddle.autograd import PyLayer
from paddle.nn import functional


class _Reversal(PyLayer):
    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: float) -> Tensor:
        ctx.weight = weight
        return features * 1.0

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        turned: Tensor = gradient * -ctx.weight
        return turned


def reverse_gradient(features: Tensor, weight: float) -> Tensor:
    """``features``, whose gradient is multiplied by ``-weight`` (Ganin et al. 2016, section 4)."""
    turned: Tensor = _Reversal.apply(features, weight)  # type: ignore[no-untyped-call]
    return turned


def ramp(progress: float) -> float:
    """2 / (1 + exp(-10 p)) - 1 of the part ``progress`` of the training, from 0 to nearly 1."""
    return 2 / (1 + math.exp(-10 * progress)) - 1


class Discriminator(nn.Layer):
    """Tells the domain of features [n, d]: logits [n, 1], above 0 for the target's."""

    def __init__(self, features: int, hidden: int):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(),
                                    nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = self.layers(features)
        return logits


def domain_loss(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """(binary cross-entropy, accuracy) of the discriminator's logits [n, 1] of both domains, which
    count half each however many images they have."""
    losses = [functional.binary_cross_entropy_with_logits(logits, paddle.full_like(logits, label))
              for logits, label in ((source, 0.0), (target, 1.0))]
    right = [(source <= 0).astype("float32").mean(), (target > 0).astype("float32").mean()]
    return (losses[0] + losses[1]) / 2, (right[0] + right[1]) / 2


def coral(source: Tensor, target: Tensor) -> Tensor:
    """||C_s - C_t||^2 / (4 d^2) of features [n, d] and [m, d] (Sun & Saenko 2016, equation 1)."""
    difference = _covariance(source) - _covariance(target)
    distance: Tensor = (difference * difference).sum() / (4 * source.shape[1] ** 2)
    return distance


def _covariance(features: Tensor) -> Tensor:
    centred = features - features.mean(0, keepdim=True)
    covariance: Tensor = centred.t() @ centred / max(1, features.shape[0] - 1)
    return covariance


def information(answers: Tensor) -> float:
    """Mutual information of images and classes, given probabilities [n, classes]: from 0 (all have
    the same answer, or none) to 1 (each is sure, and all classes are as frequent)."""
    mean = answers.mean(0, keepdim=True)
    spread, doubt = (float(_entropy(one).mean()) for one in (mean, answers))
    return (spread - doubt) / math.log(answers.shape[1])


def _entropy(answers: Tensor) -> Tensor:
    entropy: Tensor = -(answers * answers.clip(min=1e-12).log()).sum(-1)
    return entropy
