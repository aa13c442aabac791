"""Strategies that leave layers as they were loaded: ``head``, ``partial``, ``gradual``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from paddle import nn

from paddle_transfer.strategies.gradual import GradualOptions
from paddle_transfer.strategies.partial import PartialOptions
from paddle_transfer.strategies.worker.base import TrainedEngine, WorkerHalf
from paddle_transfer.strategies.worker.parts import Parts


class FrozenHalf(WorkerHalf):
    """Trains the classifier and the last ``trained_stages(epoch)`` stages of the backbone."""

    _parts: Parts

    def trained_stages(self, epoch: int) -> int:
        """How many of the backbone's last stages are trained in ``epoch`` (from 1)."""
        del epoch
        return 0

    def model_built(self, model: nn.Layer) -> Sequence[nn.Layer]:
        self._parts = self.split(model)
        self._freeze(1)
        return ()

    def epoch_started(self, engine: TrainedEngine, epoch: int) -> None:
        del engine
        self._freeze(epoch)

    def _freeze(self, epoch: int) -> None:
        stages = self._parts.stages
        first = max(0, len(stages) - self.trained_stages(epoch))
        for i, stage in enumerate(stages):
            set_frozen(stage, i < first)


class HeadHalf(FrozenHalf):
    """Only the classifier."""


class PartialHalf(FrozenHalf):
    options: PartialOptions

    def trained_stages(self, epoch: int) -> int:
        del epoch
        return self.options.stages


class GradualHalf(FrozenHalf):
    options: GradualOptions

    def trained_stages(self, epoch: int) -> int:
        over, each = epoch - self.options.head_epochs, self.options.stage_epochs
        if over <= 0:
            return 0
        return len(self._parts.stages) if not each else 1 + (over - 1) // each


def set_frozen(layers: Iterable[nn.Layer], frozen: bool) -> None:
    """Freeze or thaw the parameters that ``layers`` own themselves. Frozen BatchNorms take and keep
    the statistics that they have; the training sets all layers back into its mode before an epoch.
    """
    for layer in layers:
        for _, parameter in layer.named_parameters(include_sublayers=False):
            parameter.stop_gradient = frozen
        if frozen and any(True for _ in layer.named_buffers(include_sublayers=False)):
            layer.eval()
