"""Half the batch, and the gradients of two batches added up: for a training that ran out of memory.

A step follows from as many images as before. What differs is what a network computes over a batch:
the statistics of BatchNorm are those of half a batch, and mixup mixes within it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config import resolve
from paddle_transfer.config.base import FURTHER, list_at
from paddle_transfer.config.evaluation import WHOLE
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.config.versions import SINCE, older
from paddle_transfer.rules.base import Config, whole
from paddle_transfer.rules.batches import (
    SAMPLER,
    check_batches,
    check_mixing,
    check_update_frequency,
)

#: Losses that are a mean over the images: that of a batch is the mean of its halves'.
_PER_IMAGE = ("CELoss", "GoogLeNetLoss", "MultiLabelLoss", "DistillationCELoss", "DMLLoss",
              "DistillationGTCELoss", "DistillationDMLLoss", "DistillationKLDivLoss",
              "DistillationDKDLoss", "DistillationMultiLabelLoss")
_UPDATES = "Global.update_freq"


def accumulated(config: Config, times: int) -> Config:
    """A copy of ``config`` with batches of 1 / ``times`` the size (``why_not_halved``: this has to
    divide it), whose gradients are added up ``times`` times as often."""
    made: Config = dotpath.clone(config)
    if times == 1:
        return made
    common, sampler = made["Global"], dotpath.get(made, SAMPLER)
    sampler["batch_size"] //= times
    common["update_freq"] = times * (common.get("update_freq") or 1)
    if whole(common.get("iter_per_epoch")):
        common["iter_per_epoch"] *= times
    return made


def why_not_halved(config: Config, version: str) -> str:
    """Why ``config`` cannot be trained with half the batch in the same steps; empty: it can.

    :param version: of the PaddleClas that trains
    """
    return next(_hindrances(config, version), "")


def _hindrances(config: Config, version: str) -> Iterator[str]:
    common, loader = resolve.section(config, "Global"), resolve.section(config, "DataLoader")
    sampler = dotpath.find(config, SAMPLER)
    size = sampler.get("batch_size") if isinstance(sampler, dict) else None
    if older(version, SINCE[_UPDATES]):
        yield f"PaddleClas {version} adds up no gradients, {SINCE[_UPDATES]} and newer do"
    if not whole(size) or size % 2:
        yield f"a batch of {size} cannot be halved" if whole(size) else "no batch size is known"
        return
    if sampler.get("name", WHOLE[0]) not in WHOLE:
        yield f"{sampler['name']} composes its batches"
    for key in ("train_mode", "use_dali"):
        if common.get(key):
            yield f"Global.{key} has a loop of its own"
    if any(loader.get(part) for part in (*FURTHER, "UnLabelTrain")):
        yield "it trains on two lists at once"
    names = [name for item in list_at(config, "Loss.Train") if isinstance(item, dict)
             for name in item]
    if not set(names) <= set(_PER_IMAGE):
        yield f"{', '.join(names)} may compare the images of a batch"
    yield from map(str, _issues(accumulated(config, 2)))


def _issues(config: dict[str, Any]) -> ValidationIssues:
    issues = ValidationIssues()
    for check in (check_batches, check_update_frequency, check_mixing):
        check(config, issues)
    return issues
