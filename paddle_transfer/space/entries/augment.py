"""Augmentation of single training images. If several are enabled, each is applied in turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paddle_transfer.space import transforms
from paddle_transfer.space.entry import Check, Entry, number, switch, whole
from paddle_transfer.space.hyperparameter import Value

EDITS = (transforms.TRAIN_OPS,)

#: The arguments in PaddleClas's own configs.
TIMM_USUAL = "rand-m9-mstd0.5-inc1"
RANDAUGMENT_USUAL = {"num_layers": 2, "magnitude": 5}
ERASING_USUAL = {"sl": 0.02, "sh": 0.4, "r1": 0.3, "mean": [0.0, 0.0, 0.0]}
CUTOUT_USUAL = 0.5


def _check_switch(value: Value) -> str | None:
    return None if isinstance(value, bool) else "must be False or True"


def _apply_autoaugment(config: dict[str, Any], value: bool) -> None:
    transforms.put(config, "AutoAugment", {} if value else None)


def _apply_randaugment(config: dict[str, Any], value: bool) -> None:
    usual = {**RANDAUGMENT_USUAL, **(transforms.find(config, "RandAugment") or {})}
    transforms.put(config, "RandAugment", usual if value else None)


def _apply_to_randaugment(argument: str) -> Callable[[dict[str, Any], Value], None]:
    def apply(config: dict[str, Any], value: Value) -> None:
        if transforms.find(config, "RandAugment") is not None:
            number = int(value) if float(value).is_integer() else value
            transforms.put(config, "RandAugment", {argument: number})
    return apply


def _check_randaugment(config: dict[str, Any]) -> str | None:
    found = transforms.find(config, "RandAugment") is not None
    return None if found else (
        "needs the search_key randaugment beside it, or a RandAugment in the transform_ops")


def _check_timm(value: Value) -> str | None:
    fine = isinstance(value, bool) or str(value).startswith(("rand-", "augmix-"))
    return None if fine else (
        f"must be False, True ({TIMM_USUAL}), or timm's text for it (rand-..., augmix-...)")


def _side(config: dict[str, Any]) -> int:
    """The side of training images, in pixels."""
    shape = config["Global"].get("image_shape", [3, 224, 224])
    return transforms.side(config, transforms.TRAIN_OPS) or int(shape[-1])


def _apply_timm(config: dict[str, Any], value: Value) -> None:
    text = switch(TIMM_USUAL)(value)
    arguments = {"config_str": text, "img_size": _side(config)}
    transforms.put(config, "TimmAutoAugment", arguments if text else None)


def _apply_cutout(config: dict[str, Any], value: Value) -> None:
    share = switch(CUTOUT_USUAL)(value)
    arguments = {"n_holes": 1, "length": max(2, round(share * _side(config)))}
    transforms.put(config, "Cutout", arguments if share else None)


def _apply_erasing(config: dict[str, Any], value: Value) -> None:
    probability = switch(0.25)(value)
    present = transforms.find(config, "RandomErasing") or {}
    usual = {**ERASING_USUAL, **present, "EPSILON": probability}
    transforms.put(config, "RandomErasing", usual if probability else None)


def _share(what: str) -> Check:
    return number(f"must be False, True, or {what} as a number from 0 to 1", lambda x: 0 <= x <= 1,
                  boolean=True)


AUTOAUGMENT = Entry(
    name="autoaugment", meaning="AutoAugment with its ImageNet policy", values=(False, True),
    check=_check_switch, apply=_apply_autoaugment,
    check_requirements=transforms.check_train_operators, edits=EDITS, source="Cubuk et al. 2019")

RANDAUGMENT = Entry(
    name="randaugment",
    meaning="RandAugment (2 operations of magnitude 5, unless the keys below say otherwise)",
    values=(False, True), check=_check_switch, apply=_apply_randaugment,
    check_requirements=transforms.check_train_operators, edits=EDITS, source="Cubuk et al. 2020")

RANDAUGMENT_MAGNITUDE = Entry(
    name="randaugment_magnitude", meaning="how strong RandAugment's operations are, above 0 to 10",
    values=(3, 5, 7, 9),
    check=number("must be a number above 0, at most 10", lambda x: 0 < x <= 10),
    apply=_apply_to_randaugment("magnitude"), check_requirements=_check_randaugment, edits=EDITS,
    stage=1, parent="randaugment", source="Cubuk et al. 2020")

RANDAUGMENT_LAYERS = Entry(
    name="randaugment_layers", meaning="how many operations RandAugment does on a picture",
    values=(1, 2, 3), check=whole(1, 10), apply=_apply_to_randaugment("num_layers"),
    check_requirements=_check_randaugment, edits=EDITS, stage=1, parent="randaugment",
    source="Cubuk et al. 2020")

TIMM_AUTOAUGMENT = Entry(
    name="timm_autoaugment",
    meaning=f"timm's augmentation: off, on ({TIMM_USUAL}), or timm's text for another",
    values=(False, True), check=_check_timm, apply=_apply_timm, canonical=switch(TIMM_USUAL),
    check_requirements=transforms.check_train_operators, edits=EDITS, stage=1,
    source="Wightman et al. 2021 (timm)")

CUTOUT = Entry(
    name="cutout",
    meaning="cutout of a square: off, on (half of the crop's side), or its side as a share of it "
    "(PaddleClas's develop branch cannot do it alone, this package's training mends it)",
    values=(False, True), check=_share("the hole's share of the crop's side"),
    apply=_apply_cutout, canonical=switch(CUTOUT_USUAL),
    check_requirements=transforms.check_train_operators, edits=EDITS, stage=1,
    source="DeVries & Taylor 2017; PaddleClas's 112 of 224")

RANDOM_ERASING = Entry(
    name="random_erasing", meaning="random erasing: off, on (of every fourth picture), or its "
    "probability", values=(False, True), check=_share("the probability"), apply=_apply_erasing,
    canonical=switch(0.25), check_requirements=transforms.check_train_operators, edits=EDITS,
    source="Zhong et al. 2020")
