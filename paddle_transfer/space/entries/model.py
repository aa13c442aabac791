"""The model, and how its parts are trained."""

from __future__ import annotations

import re
from typing import Any

from paddle_transfer.config import pretrained
from paddle_transfer.space.entries.head import set_key
from paddle_transfer.space.entry import Entry, number, one_of, switch, whole
from paddle_transfer.space.hyperparameter import Value

#: Pattern of architecture names -> their argument for dropout before the classifier.
DROPOUT_ARGUMENTS = {
    r"PPLCNet_x\d_\d+|MobileNetV3_(small|large)_x\d_\d+|ESNet_x\d_\d+|PPHGNet_(tiny|small)":
        "dropout_prob"}

#: Architectures with ``lr_mult_list``: a factor for the stem and for each of four stages.
STAGED = r"ResNet(18|34|50|101|152)(_vd)?|ResNet200_vd"
STAGES = 5

#: The section that this package's own training reads, and PaddleClas alone does not.
SECTION = "FineTune"
NOTE = ("only paddle_transfer's tools/train.py heeds this section; "
        "PaddleClas's own trains without it")


def _check_arch(config: dict[str, Any]) -> str | None:
    return None if config["Arch"].get("name") else "needs Arch.name"


def _set_in_section(config: dict[str, Any], key: str, value: float | None) -> None:
    """Set ``key`` of the section, or remove it (None), and the section if nothing is left."""
    section = {name: old for name, old in (config.pop(SECTION, None) or {}).items()
               if name not in (key, "note")}
    if value is not None:
        section[key] = value
    if section:
        config[SECTION] = {**section, "note": NOTE}


def _apply_dropout(config: dict[str, Any], rate: float) -> None:
    name = str(config["Arch"]["name"])
    argument = next((argument for pattern, argument in DROPOUT_ARGUMENTS.items()
                     if re.fullmatch(pattern, name)), None)
    if isinstance((config.get("Transfer") or {}).get("head"), dict):
        set_key(config, "dropout", float(rate))
    elif argument:
        config["Arch"][argument] = float(rate)
    else:
        _set_in_section(config, "dropout", float(rate) or None)


def _is_staged(config: dict[str, Any]) -> bool:
    return re.fullmatch(STAGED, str(config["Arch"].get("name"))) is not None


def _apply_lr_mult(config: dict[str, Any], value: float) -> None:
    if _is_staged(config):
        config["Arch"]["lr_mult_list"] = [float(value)] * STAGES
    else:
        _set_in_section(config, "backbone_lr_mult", None if value == 1 else float(value))


def _check_stages(config: dict[str, Any]) -> str | None:
    needed = "needs a ResNet (Arch.name ResNet18 to ResNet152, or ..._vd)"
    return None if _is_staged(config) else needed


def _apply_frozen(config: dict[str, Any], value: int) -> None:
    factors = config["Arch"].get("lr_mult_list") or [1.0] * STAGES
    config["Arch"]["lr_mult_list"] = [
        0.0 if i < value else (factor or 1.0) for i, factor in enumerate(factors)]


def _apply_ema(config: dict[str, Any], decay: float) -> None:
    config.pop("EMA", None)
    config.update({"EMA": {"decay": decay}} if decay else {})


def _apply_amp(config: dict[str, Any], level: str) -> None:
    old = config.pop("AMP", None) or {}
    if level:
        usual = {"use_amp": True, "scale_loss": 128.0, "use_dynamic_loss_scaling": True}
        config["AMP"] = {**usual, **old, "use_amp": True, "level": level}


def _check_one_network(config: dict[str, Any]) -> str | None:
    several = "models" in config["Arch"]
    return "needs one network in Arch, not the several of a distillation," if several else None


def _canonical_weights(spec: Value) -> Value:
    return "none" if pretrained.is_none(spec) else "imagenet" if spec is True else spec


DROPOUT = Entry(
    name="dropout",
    meaning="dropout before the classifier: off, on (0.2), or its rate. On PPLCNet, MobileNetV3, "
    "ESNet and PPHGNet an argument of the architecture; on others a section of this package's "
    "training", values=(False, True), check=number(
        "must be False, True (0.2), or a rate from 0 up to but not including 1",
        lambda x: 0 <= x < 1, boolean=True),
    apply=_apply_dropout, check_requirements=_check_arch, canonical=switch(0.2),
    edits=("Arch.dropout_prob", SECTION, "Transfer.head.dropout"), stage=1,
    source="Srivastava et al. 2014; Kornblith et al. 2019")

LR_MULT = Entry(
    name="lr_mult",
    meaning="the backbone's learning rate as a multiple of the head's. On ResNets an argument of "
    "the architecture; on others a section of this package's training", values=(1.0, 0.3, 0.1),
    log=True, check=number("must be a number above 0", lambda x: x > 0), apply=_apply_lr_mult,
    check_requirements=_check_arch, edits=("Arch.lr_mult_list", SECTION),
    source="Howard & Ruder 2018; VGG16 to VOC2012: head 0.0005, backbone 0.0001")

FROZEN_STAGES = Entry(
    name="frozen_stages",
    meaning="how many of a ResNet's five stages (the stem first) keep their weights; "
    "BatchNorm statistics move all the same", values=(0, 1, 2, 3), check=whole(0, STAGES),
    apply=_apply_frozen, check_requirements=_check_stages, stage=1, edits=("Arch.lr_mult_list",),
    source="Yosinski et al. 2014")

EMA = Entry(
    name="ema",
    meaning="evaluate a moving average of the weights too (the better one counts): off, on (decay "
    "0.999), or its decay", values=(False, True), check=number(
        "must be False, True (0.999), or a decay from 0 up to but not including 1",
        lambda x: 0 <= x < 1, boolean=True),
    apply=_apply_ema, canonical=switch(0.999), edits=("EMA",), since="2.5",
    source="Polyak & Juditsky 1992")

AMP = Entry(
    name="amp", meaning="mixed precision on a GPU: off, on (level O1), or its level",
    values=(False, True), check=one_of(False, True, "O1", "O2"), apply=_apply_amp,
    canonical=switch("O1"), edits=("AMP",), device="gpu", source="Micikevicius et al. 2018")

PRETRAINED = Entry(
    name="pretrained",
    meaning="the weights to begin with: imagenet, imagenet_ssld, 10w, none, a file or an address",
    values=("imagenet", "10w", "none"), canonical=_canonical_weights,
    check=pretrained.broken_rule, apply=pretrained.set_weights,
    check_requirements=_check_one_network, edits=("Transfer.pretrained", "Global.pretrained_model"),
    source="PaddleClas, transfer_learning.md: 10w is there for ResNet50_vd")
