"""The head of a transfer: ``Transfer.head`` as search keys."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from paddle_transfer.config.new_head import WHERE
from paddle_transfer.space.entry import Entry, one_of
from paddle_transfer.space.hyperparameter import Value
from paddle_transfer.strategies.new_head import INITIALIZERS, NewHead

#: The value for the network's own initializer.
OWN = "own"


def _outputs(value: Value) -> list[Any]:
    """``value`` of ``head_hidden`` as a list: 256 is [256], and False or 0 is none."""
    if isinstance(value, (list, tuple)):
        return list(value)
    return [value] if value else []


def _check_hidden(value: Value) -> str | None:
    rule = "must be a whole number of outputs, a list of them, or False"
    if value is True:
        return rule
    try:
        NewHead.model_validate({"hidden": _outputs(value)})
    except ValidationError:
        return rule
    return None


def _canonical(value: Value) -> Value:
    made = _outputs(value)
    return made if len(made) > 1 else made[0] if made else 0


def set_key(config: dict[str, Any], key: str, value: Any) -> None:
    """Set ``key`` of the mapping ``Transfer.head``; None takes it out."""
    section = config.setdefault("Transfer", {})
    old = section.get("head")
    made = {name: one for name, one in (old if isinstance(old, dict) else {}).items()
            if name != key}
    if value is not None:
        made[key] = value
    if isinstance(old, dict) or made:
        section["head"] = made
    if not section:
        del config["Transfer"]


HEAD_HIDDEN = Entry(
    name="head_hidden",
    meaning="hidden layers before the classifier: none, or the outputs of one, or of two in VGG "
    "and AlexNet as a list", values=(0, 256), check=_check_hidden, canonical=_canonical,
    apply=lambda config, value: set_key(config, "hidden", _outputs(value) or None),
    edits=(f"{WHERE}.hidden",), source="VGG16 to VOC2012: one of 256")

HEAD_INIT = Entry(
    name="head_init",
    meaning="how the weights of the new head are drawn: xavier, kaiming, normal, zeros, or own (as "
    "the network draws them)", values=(OWN, "xavier"), check=one_of(OWN, *INITIALIZERS),
    apply=lambda config, value: set_key(config, "init", None if value == OWN else value),
    edits=(f"{WHERE}.init",), source="Glorot & Bengio 2010; He et al. 2015")
