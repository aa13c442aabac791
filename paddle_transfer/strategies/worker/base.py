"""The half of a strategy in a trial's process: hooks into the training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from paddle import Tensor, nn

from paddle_transfer.config import resolve
from paddle_transfer.strategies.worker.parts import Parts, split


class TrainedEngine(Protocol):
    """The parts of the training engine that a ``WorkerHalf`` may rely on."""

    config: Mapping[str, Any]
    #: The network, possibly wrapped for several devices or half precision.
    model: Any
    #: Paddle's optimizers and learning rate schedules.
    optimizer: list[Any]
    lr_sch: list[Any]
    #: Name of what chooses the best epoch; None: the first of ``Metric.Eval``.
    metric: str | None
    #: Batches of ``DataLoader.Train``; its length is an epoch's steps.
    train_dataloader: Any

    def further_batches(self, part: str) -> Iterator[Sequence[Tensor]]:
        """Batches (images, labels) of ``DataLoader.<part>``, one pass after the other without end.
        From then on all batches are read in an order that depends on the seed alone."""

    def whole_list(self, part: str) -> Iterable[Sequence[Tensor]]:
        """Batches of all images of ``DataLoader.<part>``, with the evaluation's transforms."""

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Any:
        """The network's answer."""

    def loss_of(self, images: Tensor, labels: Tensor) -> Tensor:
        """The loss of ``Loss.Train``."""


class WorkerHalf:
    """What a strategy does in a trial's process. Every hook may be left as it is.

    Every hook may freeze and thaw parameters by their ``stop_gradient`` (unless ``may_freeze`` says
    that none does).

    :param options: the strategy's options
    :param config: the training config as plain data
    """

    may_freeze: bool = True
    #: Whether the classifier alone is ever trained: what it gets of an image stays the same.
    trains_classifier_only: bool = False
    #: Gives the names of the classifier's tensors and of others that were not loaded; set by the
    #: worker, which can build the network.
    find_head: Callable[[], Sequence[str]] = tuple
    #: Gives the names of the classifier's tensors alone.
    find_classifier: Callable[[], Sequence[str]] = tuple
    #: Gives the number of classes in the list of ``DataLoader.<part>``; set by the worker.
    count_classes: Callable[[str], int]
    #: What ``model_built`` gave; set by the worker.
    further_layers: Sequence[nn.Layer] = ()

    def __init__(self, options: Any, config: Mapping[str, Any]):
        self.options, self.config = options, config

    def split(self, model: nn.Layer) -> Parts:
        """The classifier and the stages of ``model``. Raises TrialError (``parts.split``)."""
        sides = resolve.image_size(dict(self.config))
        return split(model, frozenset(self.find_head()), size=min(sides) if sides else None)

    def model_built(self, model: nn.Layer) -> Sequence[nn.Layer]:
        """Called in training with the network and its weights, before the optimizer is built.

        :returns: further layers that the optimizer trains and nobody saves (a discriminator)
        """
        del model
        return ()

    def answering(self, model: nn.Layer, *, mode: str, weights: str) -> nn.Layer:
        """Called outside of training with the network: what answers in its place.

        :param mode: ``eval``, ``infer`` or ``export``
        :param weights: the file that was loaded
        """
        del mode, weights
        return model

    def epoch_started(self, engine: TrainedEngine, epoch: int) -> None:
        """Called before every epoch (from 1), after ``engine.model.train()``."""

    def losses(self, engine: TrainedEngine, batch: Sequence[Tensor],
               losses: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Called in every step with the batch, after its pass through the network.

        :param losses: of ``Loss.Train`` by name; ``loss`` is what is minimised
        :returns: what takes their place
        """
        del engine, batch
        return losses

    def state(self) -> dict[str, Any]:
        """Called between two epochs: what the half itself counts, as plain data for a checkpoint.
        Layers and lists are saved by the worker."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Called before the first epoch of a training that goes on from a checkpoint.

        :param state: what ``state`` gave
        """

    def before_evaluation(self, engine: TrainedEngine) -> None:
        """Called in training before every evaluation."""

    def measured(self, engine: TrainedEngine, accuracy: float) -> Mapping[str, float]:
        """Called in training after every evaluation.

        :param accuracy: share of the images of ``DataLoader.Eval`` that are right; NaN where an
            image has no one label
        :returns: further metrics by name (``Strategy.metrics``)
        """
        del engine, accuracy
        return {}
