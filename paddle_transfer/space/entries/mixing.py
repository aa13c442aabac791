"""Mixing the images of a batch. If several methods are enabled, one is drawn for each batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.space import edits
from paddle_transfer.space.entries.loss import check_celoss
from paddle_transfer.space.entries.optimizer import PUBLISHED
from paddle_transfer.space.entry import Check, Entry, number, switch
from paddle_transfer.space.hyperparameter import Value

EDITS = (edits.BATCH_OPS, "Metric.Train", "Loss.Train.*.CELoss.epsilon")


def _check_requirements(config: dict[str, Any]) -> str | None:
    if not dotpath.exists(config, "DataLoader.Train.dataset.name"):
        return "needs the DataLoader.Train.dataset"
    if not (config["Arch"].get("class_num") or config["Global"].get("class_num")):
        return "needs Arch.class_num"
    return check_celoss(config)


def _mixing(operator: str, usual: float) -> Callable[[dict[str, Any], Value], None]:
    def apply(config: dict[str, Any], value: Value) -> None:
        alpha = switch(usual)(value)
        edits.set_mix_operator(config, operator, {"alpha": alpha} if alpha else None)
    return apply


def _check_alpha(usual: float) -> Check:
    return number(f"must be False, True (alpha {usual:g}), or alpha as a number, 0 or more",
                  lambda x: x >= 0, boolean=True)


MIXUP = Entry(
    name="mixup", meaning="mixup: off, on (alpha 0.2), or its alpha", values=(False, True),
    check=_check_alpha(0.2), apply=_mixing("MixupOperator", 0.2), canonical=switch(0.2),
    check_requirements=_check_requirements, edits=EDITS, source="Zhang et al. 2018; " + PUBLISHED)

CUTMIX = Entry(
    name="cutmix", meaning="cutmix: off, on (alpha 1.0), or its alpha; with mixup too, every batch "
    "draws one of them, each as often as the other", values=(False, True), check=_check_alpha(1.0),
    apply=_mixing("CutmixOperator", 1.0), canonical=switch(1.0),
    check_requirements=_check_requirements, edits=EDITS,
    source="Yun et al. 2019 (alpha 1); both by batch: Touvron et al. 2021 (DeiT)")
