"""Strategies that leave layers as they were loaded: ``head``, ``partial``, ``gradual``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from paddle import nn

from paddle_transfer.errors import TrialError
from paddle_transfer.strategies.gradual import GradualOptions, trained_stages
from paddle_transfer.strategies.partial import PartialOptions
from paddle_transfer.strategies.worker.base import TrainedEngine, WorkerHalf
from paddle_transfer.strategies.worker.parts import Parts


class FrozenHalf(WorkerHalf):
    """Trains the classifier and the last ``trained_stages(epoch)`` stages of the backbone."""

    _parts: Parts
    #: ids of the tensors that no gradient ever moves, such as the statistics of a BatchNorm
    _statistics: frozenset[int]

    def trained_stages(self, epoch: int) -> int:
        """How many of the backbone's last stages are trained in ``epoch`` (from 1)."""
        del epoch
        return 0

    def model_built(self, model: nn.Layer) -> Sequence[nn.Layer]:
        self._parts = self.split(model)
        self._statistics = frozenset(id(one) for one in model.parameters() if one.stop_gradient)
        self._freeze(1)
        return ()

    def epoch_started(self, engine: TrainedEngine, epoch: int) -> None:
        del engine
        self._freeze(epoch)

    def _freeze(self, epoch: int) -> None:
        stages = self._parts.stages
        first = max(0, len(stages) - self.trained_stages(epoch))
        for i, stage in enumerate(stages):
            self._set_frozen(stage, i < first)

    def _set_frozen(self, layers: Iterable[nn.Layer], frozen: bool) -> None:
        """Freeze or thaw what ``layers`` own themselves. Frozen BatchNorms use and keep the
        statistics that they have; before an epoch the training sets all layers into its mode."""
        for layer in layers:
            own = layer.parameters(include_sublayers=False)
            for parameter in own:
                if id(parameter) not in self._statistics:
                    parameter.stop_gradient = frozen
            buffers = any(True for _ in layer.named_buffers(include_sublayers=False))
            if frozen and (buffers or any(id(one) in self._statistics for one in own)):
                layer.eval()


class HeadHalf(FrozenHalf):
    """Only the classifier."""

    trains_classifier_only = True


class PartialHalf(FrozenHalf):
    options: PartialOptions

    def model_built(self, model: nn.Layer) -> Sequence[nn.Layer]:
        """:raises TrialError: it has fewer stages, so that other numbers would train the same"""
        extra = super().model_built(model)
        count = len(self._parts.stages)
        if self.options.stages > count:
            raise TrialError(
                f"Transfer.strategy.stages is {self.options.stages}, but {type(model).__name__} "
                f"has {count} stages. Write at most {count}, or to train all layers strategy: full")
        return extra

    def trained_stages(self, epoch: int) -> int:
        del epoch
        return self.options.stages


class GradualHalf(FrozenHalf):
    options: GradualOptions

    def trained_stages(self, epoch: int) -> int:
        count = trained_stages(self.options, epoch)
        return len(self._parts.stages) if count is None else count
