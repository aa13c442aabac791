"""Whether a training has trained: a network that no step has changed is not its result."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from paddle import Tensor, nn
from ppcls.engine.engine import Engine

from paddle_transfer.errors import TrialError

#: Ends of the names of BatchNorm's statistics, which move in every iteration.
STATISTICS = ("._mean", "._variance")


class Learnt:
    """Knows whether some weight of ``network`` differs from when this was made.

    BatchNorm's statistics are no weights: they move at a learning rate of 0, too.

    :param resumed: whether the network comes from a checkpoint, and so has learnt already
    """

    def __init__(self, network: nn.Layer, *, resumed: bool):
        self._known = resumed
        self._marks = [(weight, _mark(weight)) for name, weight in network.named_parameters()
                       if not resumed and not name.endswith(STATISTICS)]

    def __bool__(self) -> bool:
        if not self._known:
            self._known = any(_mark(weight) != mark for weight, mark in self._marks)
        return self._known


def _mark(weight: Tensor) -> int:
    return zlib.crc32(np.ascontiguousarray(weight.numpy()).tobytes())


def check_steps(engine: Engine) -> None:
    """:raises TrialError: PaddleClas trains with another ``Global.update_freq`` than asked for"""
    asked, taken = engine.config["Global"].get("update_freq", 1), getattr(engine, "update_freq", 1)
    if asked != taken:
        why = ("this PaddleClas does not know it" if not hasattr(engine, "update_freq") else
               f"an epoch has only {engine.iter_per_epoch} iterations ({described(engine)})")
        raise TrialError(f"Global.update_freq is {asked}, but {why}, so it would be {taken}")


def require_iterations(engine: Engine, count: int, epoch_id: int) -> None:
    """:param count: iterations of epoch ``epoch_id``
    :raises TrialError: there was none, so the network is still what it was before
    """
    if count < 1:
        raise TrialError(f"epoch {epoch_id} trains no iteration, so nothing is learnt: DataLoader."
                         f"Train gives not one batch ({described(engine)})")


def require_learnt(learnt: Learnt, engine: Engine, rate: float) -> None:
    """:param rate: the largest learning rate of the training; NaN: not known
    :raises TrialError: not one weight has changed
    """
    if not learnt:
        why = ("the learning rate was 0 in every iteration (look at Optimizer.lr: a warmup begins "
               "at 0, and may be longer than the training)" if rate == 0 else
               "the optimizer has changed nothing")
        raise TrialError(f"the training has changed no weight: {why}; {engine.global_step} "
                         "iterations in all")


def described(engine: Engine) -> str:
    """The training data in words: ``18 images, batch_size 64, drop_last True``."""
    loader, sampler = engine.train_dataloader, _sampler(engine.config)
    dataset = getattr(loader, "dataset", None)
    count = [] if dataset is None else [f"{len(dataset)} images"]
    keys = ("batch_size", "first_bs", "drop_last")
    return ", ".join(count + [f"{key} {sampler[key]}" for key in keys if key in sampler])


def _sampler(config: dict[str, Any]) -> dict[str, Any]:
    return config["DataLoader"]["Train"].get("sampler") or {}
