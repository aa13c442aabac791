"""The loss function."""

from __future__ import annotations

from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.space import edits
from paddle_transfer.space.entries.optimizer import PUBLISHED
from paddle_transfer.space.entry import Entry, number, switch
from paddle_transfer.space.hyperparameter import Value

_EPSILON = switch(0.1)


def check_celoss(config: dict[str, Any]) -> str | None:
    """The requirement of all entries that make soft labels."""
    found = any(edits.losses(dotpath.clone(config), "CELoss"))
    return None if found else "needs a CELoss in Loss.Train"


def _apply_smoothing(config: dict[str, Any], value: Value) -> None:
    for loss in edits.losses(config, "CELoss"):
        loss.pop("epsilon", None)
        if _EPSILON(value):
            loss["epsilon"] = _EPSILON(value)


LABEL_SMOOTHING = Entry(
    name="label_smoothing", meaning="label smoothing: off, on (0.1), or its epsilon",
    values=(False, True), check=number(
        "must be False, True (0.1), or a number from 0 up to but not including 1",
        lambda x: 0 <= x < 1, boolean=True),
    apply=_apply_smoothing, check_requirements=check_celoss, canonical=_EPSILON,
    edits=("Loss.Train.*.CELoss.epsilon",), source="Szegedy et al. 2016; " + PUBLISHED)
