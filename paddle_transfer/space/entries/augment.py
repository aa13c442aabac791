"""Augmentation of single training images. If several are enabled, each is applied in turn."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from paddle_transfer.config import resolve
from paddle_transfer.config.base import GLOBAL_DEFAULTS
from paddle_transfer.space import transforms
from paddle_transfer.space.entry import Check, Entry, number, switch, whole
from paddle_transfer.space.hyperparameter import Value

#: The arguments in PaddleClas's own configs.
TIMM_USUAL = "rand-m9-mstd0.5-inc1"
RANDAUGMENT_USUAL = {"num_layers": 2, "magnitude": 5}
ERASING_USUAL = {"sl": 0.02, "sh": 0.4, "r1": 0.3, "mean": [0.0, 0.0, 0.0]}


def _check_switch(value: Value) -> str | None:
    return None if isinstance(value, bool) else "must be False or True"


def _apply_autoaugment(config: dict[str, Any], value: bool) -> None:
    transforms.put(config, "AutoAugment", {} if value else None)


def _apply_randaugment(config: dict[str, Any], value: bool) -> None:
    usual = {**RANDAUGMENT_USUAL, **(transforms.find(config, "RandAugment") or {})}
    transforms.put(config, "RandAugment", usual if value else None)


def _apply_to_randaugment(argument: str) -> Callable[[dict[str, Any], float], None]:
    def apply(config: dict[str, Any], value: float) -> None:
        if transforms.find(config, "RandAugment") is not None:
            value = int(value) if float(value).is_integer() else value
            transforms.put(config, "RandAugment", {argument: value})
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
    shape = resolve.image_shape(config) or GLOBAL_DEFAULTS["image_shape"]
    return transforms.side(config, transforms.TRAIN_OPS) or int(shape[-1])


def _apply_timm(config: dict[str, Any], text: str) -> None:
    arguments = {"config_str": text, "img_size": _side(config)}
    transforms.put(config, "TimmAutoAugment", arguments if text else None)


def _apply_cutout(config: dict[str, Any], share: float) -> None:
    arguments = {"n_holes": 1, "length": max(2, round(share * _side(config)))}
    transforms.put(config, "Cutout", arguments if share else None)


def _apply_erasing(config: dict[str, Any], probability: float) -> None:
    present = transforms.find(config, "RandomErasing") or {}
    arguments = {**ERASING_USUAL, **present, "EPSILON": probability}
    transforms.put(config, "RandomErasing", arguments if probability else None)


def _share(what: str) -> Check:
    return number(f"must be False, True, or {what} as a number from 0 to 1", lambda x: 0 <= x <= 1,
                  boolean=True)


_augment = partial(Entry, check_requirements=transforms.check_train_operators,
                   edits=(transforms.TRAIN_OPS,))
_refinement = partial(_augment, check_requirements=_check_randaugment, stage=1,
                      parent="randaugment", source="Cubuk et al. 2020")

AUTOAUGMENT = _augment(
    name="autoaugment", meaning="AutoAugment with its ImageNet policy", values=(False, True),
    check=_check_switch, apply=_apply_autoaugment, source="Cubuk et al. 2019")

RANDAUGMENT = _augment(
    name="randaugment",
    meaning="RandAugment (2 operations of magnitude 5, unless the keys below say otherwise)",
    values=(False, True), check=_check_switch, apply=_apply_randaugment,
    source="Cubuk et al. 2020")

RANDAUGMENT_MAGNITUDE = _refinement(
    name="randaugment_magnitude", meaning="how strong RandAugment's operations are, above 0 to 10",
    values=(3, 5, 7, 9), apply=_apply_to_randaugment("magnitude"),
    check=number("must be a number above 0, at most 10", lambda x: 0 < x <= 10))

RANDAUGMENT_LAYERS = _refinement(
    name="randaugment_layers", meaning="how many operations RandAugment does on a picture",
    values=(1, 2, 3), apply=_apply_to_randaugment("num_layers"), check=whole(1, 10))

TIMM_AUTOAUGMENT = _augment(
    name="timm_autoaugment",
    meaning=f"timm's augmentation: off, on ({TIMM_USUAL}), or timm's text for another",
    values=(False, True), canonical=switch(TIMM_USUAL), check=_check_timm, apply=_apply_timm,
    stage=1, source="Wightman et al. 2021 (timm)")

CUTOUT = _augment(
    name="cutout",
    meaning="cutout of a square: off, on (half of the crop's side), or its side as a share of it "
    "(PaddleClas's develop branch cannot do it alone, this package's training mends it)",
    values=(False, True), canonical=switch(0.5), apply=_apply_cutout, stage=1,
    check=_share("the hole's share of the crop's side"),
    source="DeVries & Taylor 2017; PaddleClas's 112 of 224")

RANDOM_ERASING = _augment(
    name="random_erasing", meaning="random erasing: off, on (of every fourth picture), or its "
    "probability", values=(False, True), canonical=switch(0.25), apply=_apply_erasing,
    check=_share("the probability"), source="Zhong et al. 2020")
