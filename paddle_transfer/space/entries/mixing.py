"""Images mixed with others of their batch. With several of them on, each batch draws one."""

from __future__ import annotations

from paddle_transfer import dotpath
from paddle_transfer.space import edits
from paddle_transfer.space.entries.loss import needs_celoss
from paddle_transfer.space.entries.optimizer import PUBLISHED
from paddle_transfer.space.entry import Entry, number, switch
from paddle_transfer.space.hyperparameter import Value

EDITS = (edits.BATCH_OPS, "Metric.Train", "Loss.Train.*.CELoss.epsilon")


def needs_mixing(config: dict) -> str | None:
    if not dotpath.exists(config, "DataLoader.Train.dataset.name"):
        return "needs the DataLoader.Train.dataset"
    if not (config["Arch"].get("class_num") or config["Global"].get("class_num")):
        return "needs Arch.class_num"
    return needs_celoss(config)


def _mixing(operator: str, alpha_of):
    def apply(config: dict, value: Value) -> None:
        alpha = alpha_of(value)
        edits.set_mix_operator(config, operator, {"alpha": alpha} if alpha else None)
    return apply


def _check_alpha(usual: float):
    return number(f"must be False, True (alpha {usual:g}), or alpha as a number, 0 or more",
                  lambda x: x >= 0, boolean=True)


ENTRIES = (
    Entry(name="mixup", meaning="mixup: off, on (alpha 0.2), or its alpha", values=(False, True),
          check=_check_alpha(0.2), apply=_mixing("MixupOperator", switch(0.2)), needs=needs_mixing,
          canonical=switch(0.2), edits=EDITS, source="Zhang et al. 2018; " + PUBLISHED),
    Entry(
        name="cutmix",
        meaning="cutmix: off, on (alpha 1.0), or its alpha; with mixup too, every batch draws one of "
        "them, each as often as the other", values=(False, True), check=_check_alpha(1.0),
        apply=_mixing("CutmixOperator", switch(1.0)), needs=needs_mixing, canonical=switch(1.0),
        edits=EDITS, source="Yun et al. 2019 (alpha 1); both by batch: Touvron et al. 2021 (DeiT)"),
)
