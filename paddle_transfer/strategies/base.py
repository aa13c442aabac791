"""The protocol of a way to transfer.

A new strategy is one file with a class that inherits ``Strategy``, and one line in ``registry``.
What stock PaddleClas can express is an edit of the config; the rest is a ``WorkerHalf`` (see
``strategies.worker.base``), which may import paddle and is imported in the trial's process only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, TypeVar

from paddle_transfer.config.validation import Options
from paddle_transfer.errors import ValidationIssue

OptionsT = TypeVar("OptionsT", bound=Options)


#: What strategies refuse that leave layers as they were loaded.
KEEPS_LAYERS = {"half_weights": "which leaves layers as they were loaded: level O2 would round "
                "them to half precision"}


class Strategy(Protocol[OptionsT]):
    """One way to transfer, registered as a class without constructor arguments.

    ``Transfer: {strategy: {name: NAME, OPTION: VALUE}}`` in a training config chooses it.
    """

    name: str
    #: The schema of its options; a field's description is its help text.
    options: type[OptionsT]
    #: What a training leaves behind, in words.
    returns: str = "weights of Arch.name, for stock PaddleClas"
    #: ``module:attribute`` of a ``WorkerHalf`` subclass; "" when the edited config says it all.
    worker: str = ""
    #: ``module:class`` of what trains in the place of PaddleClas's engine (see
    #: ``worker.training.Training``); "" where the engine trains.
    trainer: str = ""
    #: Whether it leaves layers as they were loaded, so that random ones would be of no use.
    needs_weights: bool = False
    #: Whether the rates of layers other than the classifier have an effect.
    trains_backbone: bool = True
    #: Whether it reads labelled source images (``DataLoader.Source``).
    needs_source_data: bool = False
    #: Whether the classes of ``DataLoader.Source`` are those of ``DataLoader.Train``.
    shares_classes: bool = False
    #: Whether it reads images without labels (``DataLoader.Unlabeled``).
    needs_unlabeled_data: bool = False
    #: Whether it trains by gradient steps, so that epochs, optimizer and augmentation matter.
    trains_network: bool = True
    #: What it cannot be combined with, by the names in ``strategies.combinations``: why not.
    refuses: ClassVar[Mapping[str, str]] = {}

    #: Metrics that it measures beside ``Metric.Eval``; a search may maximise one.
    metrics: tuple[str, ...] = ()

    def edit(self, config: dict[str, Any], options: OptionsT) -> None:
        """Edit a training config in place, as far as stock PaddleClas can express the strategy.

        By default it edits nothing. Plain data, no Paddle. Editing an edited config again must
        change nothing: a trial's config is edited when the search writes it and when
        ``tools/train.py`` reads it. Raises ConfigError for a config that it cannot edit.
        """

    def effective(self, options: OptionsT) -> dict[str, Any]:
        """The options that have an effect beside the others, all spelt out: equal ones train the
        same."""
        return options.model_dump()

    def check(self, config: dict[str, Any], options: OptionsT) -> list[ValidationIssue]:
        """What in the config does not go together with the strategy, before it is edited."""
        del config, options
        return []

    def note(self, options: OptionsT) -> str:
        """What stands beside a strategy with a worker half, for people."""
        del options
        return "only paddle_transfer's train heeds this section; PaddleClas's own trains without it"
