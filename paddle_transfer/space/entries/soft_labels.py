"""Label smoothing, mixup and cutmix. If both of these are enabled, one is drawn for each batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config import resolve
from paddle_transfer.space import edits
from paddle_transfer.space.entries.optimizer import PUBLISHED
from paddle_transfer.space.entry import Check, Entry, number, switch

MIX_EDITS = (edits.BATCH_OPS, "Metric.Train", "Loss.Train.*.CELoss.epsilon")


def _check_celoss(config: dict[str, Any]) -> str | None:
    found = any(edits.losses(dotpath.clone(config), "CELoss"))
    return None if found else "needs a CELoss in Loss.Train"


def _apply_smoothing(config: dict[str, Any], epsilon: float) -> None:
    for loss in edits.losses(config, "CELoss"):
        loss.pop("epsilon", None)
        loss.update({"epsilon": epsilon} if epsilon else {})


def _check_mixing(config: dict[str, Any]) -> str | None:
    if not dotpath.exists(config, "DataLoader.Train.dataset.name"):
        return "needs the DataLoader.Train.dataset"
    if resolve.mixed_classes(config) is None:
        return "needs Arch.class_num"
    return _check_celoss(config)


def _apply_mixing(operator: str) -> Callable[[dict[str, Any], float], None]:
    def apply(config: dict[str, Any], alpha: float) -> None:
        edits.set_mix_operator(config, operator, {"alpha": alpha} if alpha else None)
    return apply


def _check_alpha(usual: float) -> Check:
    return number(f"must be False, True (alpha {usual:g}), or alpha as a number, 0 or more",
                  lambda x: x >= 0, boolean=True)


LABEL_SMOOTHING = Entry(
    name="label_smoothing", meaning="label smoothing: off, on (0.1), or its epsilon",
    values=(False, True), canonical=switch(0.1), apply=_apply_smoothing, check=number(
        "must be False, True (0.1), or a number from 0 up to but not including 1",
        lambda x: 0 <= x < 1, boolean=True), check_requirements=_check_celoss,
    edits=("Loss.Train.*.CELoss.epsilon",), source="Szegedy et al. 2016; " + PUBLISHED)

MIXUP = Entry(
    name="mixup", meaning="mixup: off, on (alpha 0.2), or its alpha", values=(False, True),
    canonical=switch(0.2), apply=_apply_mixing("MixupOperator"), check=_check_alpha(0.2),
    check_requirements=_check_mixing, edits=MIX_EDITS, source="Zhang et al. 2018; " + PUBLISHED)

CUTMIX = Entry(
    name="cutmix", meaning="cutmix: off, on (alpha 1.0), or its alpha; with mixup too, every batch "
    "draws one of them, each as often as the other", values=(False, True), canonical=switch(1.0),
    apply=_apply_mixing("CutmixOperator"), check=_check_alpha(1.0),
    check_requirements=_check_mixing, edits=MIX_EDITS,
    source="Yun et al. 2019 (alpha 1); both by batch: Touvron et al. 2021 (DeiT)")
