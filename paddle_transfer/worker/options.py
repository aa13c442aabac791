"""What a run is asked for, and what it reports after every epoch; plain data without Paddle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from paddle_transfer.worker.checkpoints import Checkpoints

#: What a search records of weights that it prepared: ``source``, ``file``, ``sha256`` of the
#: original, ``prepared_sha256``, and ``head`` (name of a tensor -> why it was not loaded).
Origin = Mapping[str, Any]


@dataclass(frozen=True)
class EpochResult:
    """Result of an evaluated epoch (from 1).

    :param value: the chosen metric; greater is better
    :param images: how many it was measured on
    :param scalars: ``eval/top1``, ``eval/loss``, ``train/loss``, ``lr``, ... as plain floats
    """

    epoch: int
    value: float
    images: int
    scalars: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class RunOptions:
    """How a run differs from one of stock PaddleClas.

    :param metric: chooses the best epoch, by name (``top1``); None: the first of ``Metric.Eval``
    :param weights_to: None keeps all of PaddleClas's own files; a path that ends in ``.pdparams``
        gets the weights of the best epoch and nothing else is written; "" saves nothing
    :param log_file: whether PaddleClas writes a log file of its own beside what it prints
    :param on_epoch: called after every evaluated epoch; a true answer ends the training
    :param shared_memory: bytes of it that the data workers may use; None: all that are free
    :param predictions_to: where ``Predictions`` of the best epoch are written; None: nowhere
    :param prepared: weights that a search prepared, by ``Global.pretrained_model``
    :param checkpoints: where the training saves its state, and what it goes on from; needs
        ``weights_to``. None: nowhere
    """

    metric: str | None = None
    weights_to: str | None = None
    log_file: bool = True
    on_epoch: Callable[[EpochResult], bool] | None = None
    shared_memory: float | None = None
    predictions_to: str | None = None
    prepared: Mapping[str, Origin] = field(default_factory=dict)
    checkpoints: Checkpoints | None = None
