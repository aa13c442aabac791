"""Learning rate, weight decay, optimizer and gradient clipping."""

from __future__ import annotations

from typing import Any

from paddle_transfer.space import optimizers
from paddle_transfer.space.entry import Entry, number, one_of, switch
from paddle_transfer.space.hyperparameter import is_number

PUBLISHED = "the published transfer search on ResNet50_vd, 7 x 7 x 2 x 2 = 196 points"

#: Arguments that every optimizer has; all others belong to one.
COMMON = ("scope", "lr", "clip_norm", "regularizer", "weight_decay")

#: The arguments in PaddleClas's own configs.
USUAL: dict[str, dict[str, Any]] = {
    "SGD": {},
    "Momentum": {"momentum": 0.9},
    "Nesterov": {"momentum": 0.9, "use_nesterov": True},
    "Adam": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    "AdamW": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    "RMSProp": {"momentum": 0.9, "rho": 0.9, "epsilon": 0.001},
}


def check_optimizer(config: dict[str, Any]) -> str | None:
    """The requirement of all entries that edit an optimizer."""
    return None if any(optimizers.optimizers(config)) else "needs an Optimizer for the model"


def _apply_lr(config: dict[str, Any], value: float) -> None:
    """The model's first optimizer gets ``value``; others (scopes) keep their proportion to it."""
    first = None
    for _, arguments in optimizers.optimizers(config):
        old, new = optimizers.learning_rate(arguments), value
        first = old if first is None else first
        if is_number(old) and is_number(first) and first > 0:
            new = optimizers.scaled(value, first, old)
        optimizers.set_learning_rate(arguments, new)


def _apply_decay(config: dict[str, Any], value: float) -> None:
    for name, arguments in optimizers.optimizers(config):
        optimizers.set_weight_decay(name, arguments, value)


def _apply_optimizer(config: dict[str, Any], value: str) -> None:
    def replacement(name: str, arguments: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return _replacement(value, name, arguments)
    optimizers.replace_optimizers(config, replacement)


def _replacement(value: str, name: str, arguments: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """(name, arguments) of the optimizer ``value`` in place of ``name``; common arguments stay."""
    new = "Momentum" if value == "Nesterov" else value
    kept = {key: x for key, x in arguments.items() if name == new or key in COMMON}
    made = {**USUAL[value], **kept}
    if new == "Momentum":
        made.pop("use_nesterov", None)
        made.update({"use_nesterov": True} if value == "Nesterov" else {})
    if (new in optimizers.DECOUPLED) != (name in optimizers.DECOUPLED):
        # the coefficient stays the same number, in the place that the new optimizer reads
        optimizers.set_weight_decay(new, made, optimizers.weight_decay(arguments))
    return new, made


def _apply_clip(config: dict[str, Any], value: float) -> None:
    for _, arguments in optimizers.optimizers(config):
        arguments.pop("clip_norm", None)
        arguments.update({"clip_norm": float(value)} if value else {})


LR = Entry(
    name="lr", meaning="the (largest) learning rate of the schedule",
    values=(0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001), log=True,
    check=number("must be a number above 0", lambda x: x > 0), apply=_apply_lr,
    check_requirements=check_optimizer, edits=("Optimizer.lr.learning_rate",), source=PUBLISHED)

L2_DECAY = Entry(
    name="l2_decay", meaning="L2 regularization, or the weight decay of AdamW; 0 is none",
    values=(1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6), log=True,
    check=number("must be a number, 0 or more", lambda x: x >= 0), apply=_apply_decay,
    check_requirements=check_optimizer, edits=("Optimizer.regularizer", "Optimizer.weight_decay"),
    source=PUBLISHED)

OPTIMIZER = Entry(
    name="optimizer",
    meaning="the optimizer (SGD, Momentum, Nesterov, Adam, AdamW, RMSProp), with PaddleClas's "
    "usual arguments; learning rate, schedule, decay and clipping stay (mind that Adam, AdamW "
    "and RMSProp want smaller learning rates)",
    values=("Momentum", "Nesterov", "AdamW"), check=one_of(*USUAL), apply=_apply_optimizer,
    check_requirements=check_optimizer, stage=-1, since_values={"Nesterov": "2.5"},
    edits=("Optimizer",), source="Nesterov 1983; Sutskever et al. 2013; "
    "Kingma & Ba 2015 (Adam); Loshchilov & Hutter 2019 (AdamW); Hinton 2012 (RMSProp)")

CLIP_NORM = Entry(
    name="clip_norm",
    meaning="gradients are clipped to this norm, each parameter's by itself; 0 or False is off",
    values=(False, 1.0, 5.0), canonical=switch(1.0), apply=_apply_clip,
    check=number("must be False, or a number, 0 or more", lambda x: x >= 0, boolean=True),
    check_requirements=check_optimizer, edits=("Optimizer.clip_norm",),
    source="Pascanu et al. 2013")
