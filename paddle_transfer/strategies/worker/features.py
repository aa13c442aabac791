"""The features of a network: what its classifier is given."""

from __future__ import annotations

from typing import Any

from paddle import Tensor, nn

from paddle_transfer.errors import TrialError
from paddle_transfer.strategies.worker.parts import Parts


class Features:
    """Keeps the features of the images that have passed through the network last.

    :param classes: outputs of the classifier
    :raises TrialError: the network has not exactly one classifier
    """

    def __init__(self, parts: Parts, classes: int | None):
        found = [layer for layer in parts.head if _outputs(layer) == classes]
        if len(found) != 1:
            raise TrialError("Transfer.strategy: needs a network with one classifier, and this "
                             f"one has {len(found)}. Choose another Arch.name, or strategy: full")
        weight: Any = found[0].weight
        #: How many there are for an image.
        self.width = int(weight.shape[0] if weight.ndim == 2 else weight.shape[1])
        self._last: Tensor | None = None
        found[0].register_forward_pre_hook(self._keep)  # type: ignore[arg-type]  # may give None

    def take(self) -> Tensor:
        """[n, width], with the gradient's way back; once for every pass."""
        features, self._last = self._last, None
        assert features is not None, "no image has passed through the network"
        return features

    def _keep(self, layer: nn.Layer, inputs: tuple[Tensor, ...]) -> None:
        del layer
        self._last = inputs[0].mean([2, 3]) if inputs[0].ndim == 4 else inputs[0]


def _outputs(layer: nn.Layer) -> int | None:
    """Of a linear layer (weight [in, out]) or a convolution (weight [out, in, height, width])."""
    weight = getattr(layer, "weight", None)
    shape = list(weight.shape) if isinstance(weight, Tensor) else []
    return int(shape[-1 if len(shape) == 2 else 0]) if len(shape) in (2, 4) else None
