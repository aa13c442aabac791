"""The model and how its parts are trained."""

from __future__ import annotations

import re

from paddle_transfer.space.entry import Entry, number, one_of, switch, whole
from paddle_transfer.space.hyperparameter import Value

#: Architectures with an argument for the dropout before their classifier, by name.
DROPOUT_ARGUMENTS = (
    (r"PPLCNet_x\d_\d+|MobileNetV3_(small|large)_x\d_\d+|ESNet_x\d_\d+|PPHGNet_(tiny|small)",
     "dropout_prob"), )

#: Architectures with ``lr_mult_list``: a factor for the stem and for each of four stages.
STAGED = r"ResNet(18|34|50|101|152)(_vd)?|ResNet200_vd"
STAGES = 5

#: The section that this package's own training reads, and PaddleClas alone does not.
SECTION = "FineTune"
NOTE = "only paddle_transfer's tools/train.py heeds this section; PaddleClas's own trains without it"


def _needs_arch(config: dict) -> str | None:
    return None if config["Arch"].get("name") else "needs Arch.name"


def _section(config: dict, key: str, value: float | None) -> None:
    """Set ``key`` of the section, or take it out (None), and the whole section when nothing is left."""
    section = {
        name: old for name, old in (config.get(SECTION) or {}).items() if name not in (key, "note")
    }
    if value is not None:
        section[key] = value
    config.pop(SECTION, None)
    if section:
        config[SECTION] = {**section, "note": NOTE}


def _apply_dropout(config: dict, value: Value) -> None:
    rate = float(switch(0.2)(value))
    name = str(config["Arch"]["name"])
    argument = next((own for pattern, own in DROPOUT_ARGUMENTS if re.fullmatch(pattern, name)),
                    None)
    if argument:
        config["Arch"][argument] = rate
    else:
        _section(config, "dropout", rate or None)


def _staged(config: dict) -> bool:
    return re.fullmatch(STAGED, str(config["Arch"].get("name"))) is not None


def _apply_lr_mult(config: dict, value: float) -> None:
    if _staged(config):
        config["Arch"]["lr_mult_list"] = [float(value)] * STAGES
    else:
        _section(config, "backbone_lr_mult", None if value == 1 else float(value))


def _needs_stages(config: dict) -> str | None:
    return None if _staged(
        config) else "needs a ResNet (Arch.name ResNet18 to ResNet152, or ..._vd)"


def _apply_frozen(config: dict, value: int) -> None:
    factors = config["Arch"].get("lr_mult_list") or [1.0] * STAGES
    config["Arch"]["lr_mult_list"] = [
        0.0 if i < value else (factor or 1.0) for i, factor in enumerate(factors)
    ]


def _apply_ema(config: dict, value: Value) -> None:
    decay = switch(0.999)(value)
    config.pop("EMA", None)
    if decay:
        config["EMA"] = {"decay": decay}


def _apply_amp(config: dict, value: Value) -> None:
    level = switch("O1")(value)
    old = config.pop("AMP", None)
    if level:
        usual = {
            "use_amp": True, "scale_loss": 128.0, "use_dynamic_loss_scaling": True, **(old or {})
        }
        config["AMP"] = {**usual, "use_amp": True, "level": level}


ENTRIES = (
    Entry(
        name="dropout",
        meaning="dropout before the classifier: off, on (0.2), or its rate. On PPLCNet, MobileNetV3, "
        "ESNet and PPHGNet an argument of the architecture; on others a section of this package's training",
        values=(False, True), check=number(
            "must be False, True (0.2), or a rate from 0 up to but not including 1",
            lambda x: 0 <= x < 1, boolean=True), apply=_apply_dropout, needs=_needs_arch,
        canonical=switch(0.2), edits=("Arch.dropout_prob", "FineTune"),
        source="Srivastava et al. 2014; Kornblith et al. 2019"),
    Entry(
        name="lr_mult",
        meaning="the backbone's learning rate as a multiple of the head's. On ResNets an argument of "
        "the architecture; on others a section of this package's training", values=(1.0, 0.3, 0.1),
        log=True, check=number("must be a number above 0", lambda x: x > 0), apply=_apply_lr_mult,
        needs=_needs_arch, edits=("Arch.lr_mult_list", "FineTune"),
        source="Howard & Ruder 2018; VGG16 to VOC2012: head 0.0005, backbone 0.0001"),
    Entry(
        name="frozen_stages",
        meaning="how many of a ResNet's five stages (the stem first) keep their weights; "
        "BatchNorm statistics move all the same", values=(0, 1, 2, 3), check=whole(
            0, STAGES), apply=_apply_frozen, needs=_needs_stages, stage=1,
        edits=("Arch.lr_mult_list", ), source="Yosinski et al. 2014"),
    Entry(
        name="ema", meaning=
        "evaluate a moving average of the weights too (the better one counts): off, on (decay "
        "0.999), or its decay", values=(False, True), check=number(
            "must be False, True (0.999), or a decay from 0 up to but not including 1",
            lambda x: 0 <= x < 1, boolean=True), apply=_apply_ema, canonical=switch(0.999),
        edits=("EMA", ), since="2.5", source="Polyak & Juditsky 1992"),
    Entry(name="amp", meaning="mixed precision on a GPU: off, on (level O1), or its level",
          values=(False, True), check=one_of(False, True, "O1", "O2"), apply=_apply_amp,
          canonical=switch("O1"), edits=("AMP", ), device="gpu", source="Micikevicius et al. 2018"),
)
