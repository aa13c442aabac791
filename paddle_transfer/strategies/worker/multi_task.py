"""The strategy ``multi_task``: a second classifier, for the source images, on one backbone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from paddle import Tensor, nn
from paddle.nn import functional

from paddle_transfer.config import resolve
from paddle_transfer.strategies.multi_task import MultiTaskOptions
from paddle_transfer.strategies.worker.base import TrainedEngine, WorkerHalf
from paddle_transfer.strategies.worker.features import Features
from paddle_transfer.strategies.worker.statistics import Statistics


class MultiTaskHalf(WorkerHalf):
    """Adds the loss of the source images to each step."""

    options: MultiTaskOptions
    may_freeze = False
    _batches: Iterator[Sequence[Tensor]] | None = None
    _epoch = 1

    def model_built(self, model: nn.Layer) -> Sequence[nn.Layer]:
        self._statistics = Statistics(model)
        self._features = Features(self.split(model), resolve.outputs(dict(self.config)))
        self._head = nn.Linear(self._features.width, self.count_classes("Source"))
        return [self._head]

    def epoch_started(self, engine: TrainedEngine, epoch: int) -> None:
        self._epoch = epoch
        if self._batches is None:
            self._batches = engine.further_batches("Source")

    def losses(self, engine: TrainedEngine, batch: Sequence[Tensor],
               losses: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        del batch
        if self._epoch > engine.config["Global"]["epochs"] - self.options.target_epochs:
            return losses
        assert self._batches is not None, "no epoch has started"
        self._features.take()  # those of ``batch``
        images, labels = next(self._batches)[:2]
        engine.forward(images, labels)
        source = functional.cross_entropy(self._head(self._features.take()), labels)
        return {**losses, "SourceLoss": source,
                "loss": source + self.options.weight * losses["loss"]}

    def before_evaluation(self, engine: TrainedEngine) -> None:
        """The statistics of every BatchNorm become those of the target's images."""
        self._statistics.take(engine, "Train")
