"""The weights that a training begins with."""

from __future__ import annotations

from typing import Any

from paddle_transfer.config import pretrained
from paddle_transfer.space.entry import Entry
from paddle_transfer.space.hyperparameter import Value


def _check_one_network(config: dict[str, Any]) -> str | None:
    several = "models" in config["Arch"]
    return "needs one network in Arch, not the several of a distillation," if several else None


def _canonical(value: Value) -> Value:
    return "none" if pretrained.is_none(value) else "imagenet" if value is True else value


PRETRAINED = Entry(
    name="pretrained",
    meaning="the weights to begin with: imagenet, imagenet_ssld, 10w, none, a file or an address",
    values=("imagenet", "10w", "none"), check=pretrained.broken_rule, apply=pretrained.set_weights,
    check_requirements=_check_one_network, canonical=_canonical,
    edits=("Transfer.pretrained", "Global.pretrained_model"),
    source="PaddleClas, transfer_learning.md: 10w is there for ResNet50_vd")
