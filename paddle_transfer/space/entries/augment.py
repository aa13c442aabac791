"""Changes of single pictures in training. Several of them on work one after the other."""

from __future__ import annotations

from paddle_transfer.space import transforms
from paddle_transfer.space.entry import Entry, number, switch, whole
from paddle_transfer.space.hyperparameter import Value

EDITS = (transforms.TRAIN_OPS,)

#: PaddleClas's own, in its configs.
TIMM_USUAL = "rand-m9-mstd0.5-inc1"
ERASING = {"sl": 0.02, "sh": 0.4, "r1": 0.3, "mean": [0.0, 0.0, 0.0]}
CUTOUT_USUAL = 0.5


def _check_switch(value: Value) -> str | None:
    return None if isinstance(value, bool) else "must be False or True"


def _apply_autoaugment(config: dict, value: bool) -> None:
    transforms.put(config, "AutoAugment", {} if value else None)


def _apply_randaugment(config: dict, value: bool) -> None:
    usual = {"num_layers": 2, "magnitude": 5, **(transforms.find(config, "RandAugment") or {})}
    transforms.put(config, "RandAugment", usual if value else None)


def _refines_randaugment(argument: str):
    def apply(config: dict, value: Value) -> None:
        if transforms.find(config, "RandAugment") is not None:
            transforms.put(config, "RandAugment",
                           {argument: int(value) if float(value).is_integer() else value})
    return apply


def _needs_randaugment(config: dict) -> str | None:
    found = transforms.find(config, "RandAugment") is not None
    return None if found else "needs the search_key randaugment beside it, or a RandAugment in the transform_ops"


def _check_timm(value: Value) -> str | None:
    fine = isinstance(value, bool) or isinstance(value, str) and value.startswith(
        ("rand-", "augmix-"))
    return None if fine else f"must be False, True ({TIMM_USUAL}), or timm's text for it (rand-..., augmix-...)"


def _apply_timm(config: dict, value: Value) -> None:
    text = switch(TIMM_USUAL)(value)
    size = transforms.side(config, transforms.TRAIN_OPS) or config["Global"].get(
        "image_shape", [3, 224, 224])[-1]
    transforms.put(config, "TimmAutoAugment",
                   {"config_str": text, "img_size": size} if text else None)


def _apply_cutout(config: dict, value: Value) -> None:
    share = switch(CUTOUT_USUAL)(value)
    size = transforms.side(config, transforms.TRAIN_OPS) or config["Global"].get(
        "image_shape", [3, 224, 224])[-1]
    transforms.put(config, "Cutout",
                   {"n_holes": 1, "length": max(2, round(share * size))} if share else None)


def _apply_erasing(config: dict, value: Value) -> None:
    chance = switch(0.25)(value)
    usual = {**ERASING, **(transforms.find(config, "RandomErasing") or {}), "EPSILON": chance}
    transforms.put(config, "RandomErasing", usual if chance else None)


def _share(what: str):
    return number(f"must be False, True, or {what} as a number from 0 to 1", lambda x: 0 <= x <= 1,
                  boolean=True)


ENTRIES = (
    Entry(name="autoaugment", meaning="AutoAugment with its ImageNet policy", values=(False, True),
          check=_check_switch, apply=_apply_autoaugment, needs=transforms.needs_pictures,
          edits=EDITS, source="Cubuk et al. 2019"),
    Entry(name="randaugment",
          meaning="RandAugment (2 operations of magnitude 5, unless the keys below say otherwise)",
          values=(False, True), check=_check_switch, apply=_apply_randaugment,
          needs=transforms.needs_pictures, edits=EDITS, source="Cubuk et al. 2020"),
    Entry(name="randaugment_magnitude",
          meaning="how strong RandAugment's operations are, above 0 to 10", values=(3, 5, 7, 9),
          check=number("must be a number above 0, at most 10", lambda x: 0 < x <= 10),
          apply=_refines_randaugment("magnitude"), needs=_needs_randaugment, edits=EDITS, stage=1,
          of="randaugment", source="Cubuk et al. 2020"),
    Entry(name="randaugment_layers", meaning="how many operations RandAugment does on a picture",
          values=(1, 2, 3), check=whole(
              1, 10), apply=_refines_randaugment("num_layers"), needs=_needs_randaugment,
          edits=EDITS, stage=1, of="randaugment", source="Cubuk et al. 2020"),
    Entry(name="timm_autoaugment",
          meaning=f"timm's augmentation: off, on ({TIMM_USUAL}), or timm's text for another",
          values=(False, True), check=_check_timm, apply=_apply_timm,
          needs=transforms.needs_pictures, canonical=switch(TIMM_USUAL), edits=EDITS, stage=1,
          source="Wightman et al. 2021 (timm)"),
    Entry(
        name="cutout",
        meaning="cutout of a square: off, on (half of the crop's side), or its side as a share of it "
        "(PaddleClas's develop branch cannot do it alone, this package's training mends it)",
        values=(False, True), check=_share("the hole's share of the crop's side"),
        apply=_apply_cutout, needs=transforms.needs_pictures, canonical=switch(CUTOUT_USUAL),
        edits=EDITS, stage=1, source="DeVries & Taylor 2017; PaddleClas's 112 of 224"),
    Entry(name="random_erasing",
          meaning="random erasing: off, on (of every fourth picture), or its probability",
          values=(False, True), check=_share("the probability"), apply=_apply_erasing,
          needs=transforms.needs_pictures, canonical=switch(0.25), edits=EDITS,
          source="Zhong et al. 2020"),
)
