"""Search files of data sets, made from the files in ``templates``."""

from __future__ import annotations

from dataclasses import dataclass

from paddle_transfer.config.load import show_yaml
from paddle_transfer.datasets.config_values import (
    DOMAIN_ADAPTATION,
    MULTI_TASK,
    TARGET_FREE,
    ConfigValues,
    render,
)

#: Architecture for which the large-scale weights (10w) exist.
LARGE_SCALE_ARCH = "ResNet50_vd"
#: How names of architectures without BatchNorm begin, whose statistics adabn takes from other
#: images.
WITHOUT_NORM = ("AlexNet", "SqueezeNet", "VGG")
_SWITCH = ("False", "True")


@dataclass(frozen=True)
class SearchVariant:
    """One search file of a data set.

    :param max_iter: 0: a grid, all points
    :param keys: beside those of the template, with their values; the first is the fixed point's
    :param template: ``search`` has the published four keys
    """

    purpose: str
    max_iter: int
    keys: dict[str, tuple[str, ...]]
    template: str = "search"

    def keys_for(self, arch: str) -> dict[str, tuple[str, ...]]:
        """``keys``; the large-scale weights are there for one architecture only, and adabn is not
        for each."""
        bare = arch.startswith(WITHOUT_NORM)
        return {key: tuple(one for one in choices if one != "adabn" or not bare)
                for key, choices in self.keys.items()
                if key != "pretrained" or arch == LARGE_SCALE_ARCH}


VARIANTS = {
    "grid": SearchVariant("all 196 points of the published space", 0, {}),
    "bayes": SearchVariant("Bayesian search in the published space", 20, {}),
    "extended": SearchVariant(
        "the published space with more augmentation and regularization", 50,
        dict.fromkeys(("cutmix", "autoaugment", "randaugment", "cutout", "dropout"), _SWITCH)),
    "weights": SearchVariant(
        "the published space from ImageNet weights and from the large-scale ones (100,000 classes)",
        30, {"pretrained": ("imagenet", "10w")}),
    "strategies": SearchVariant(
        "which way to transfer, from which weights, at which rate", 12,
        {"pretrained": ("imagenet", "10w")}, "search_strategies"),
}

_METHODS = ("adversarial", "coral", "adabn")
#: Of a config with two lists: by its strategy, or where no image of the target has a label.
TWO_LISTS = {
    MULTI_TASK: SearchVariant(
        "with and without the images of the source in each step", 12,
        {"target_weight": ("0.3", "1.0", "3.0")}, "search_two_lists"),
    DOMAIN_ADAPTATION: SearchVariant(
        "with and without the images that have no labels", 16,
        {"adaptation": _METHODS, "adaptation_weight": ("0.1", "0.3", "1.0")}, "search_two_lists"),
    TARGET_FREE: SearchVariant(
        "for the images that have no labels", 12,
        {"adaptation": _METHODS, "adaptation_weight": ("1.0", "0.3", "0.1")},
        "search_target_free"),
}

FOUR_WAYS = SearchVariant("the published comparison of four ways to transfer", 0, {},
                          "search_four_ways")


def search_file(values: ConfigValues, variant: str, *, base: str, output_dir: str,
                schema: str) -> str:
    """The text of a search file.

    :param variant: one of ``VARIANTS`` or ``TWO_LISTS``
    :param base: path of the training config, made of the same ``values``
    :param schema: path of the JSON Schema, for editors; relative to the search file
    """
    search, recipe = {**VARIANTS, **TWO_LISTS}[variant], values.recipe
    if variant == "strategies" and recipe.four_ways:
        search = FOUR_WAYS
    metric = final = budget = ""
    if search.max_iter:
        budget = f"max_iter: {search.max_iter}\nde_duplication: True"
    if variant == TARGET_FREE:
        metric = ("# needs no label of the images in DataLoader.Unlabeled; with a labelled list of "
                  "such images in\n# DataLoader.Eval: top1\nmetric: target_free")
    elif values.metric != "top1":
        metric = f"# what the protocol of this data set reports\nmetric: {values.metric}"
    if values.has_val and values.has_test and variant != TARGET_FREE:
        final = ("# tuned on the validation list; then the best point and the fixed point are "
                 "trained again on train + validation\n# and each tested once on the test list"
                 f"{values.no_test}\nfinal: {{retrain_on: train+val}}")
    own = search.keys_for(recipe.arch)
    keys = [f"  - search_key: {key}\n    search_values: [{', '.join(choices)}]"
            for key, choices in own.items()]
    return render(
        search.template, title=values.title[0].upper() + values.title[1:], purpose=search.purpose,
        schema=schema, base=show_yaml(base), output_dir=show_yaml(output_dir), budget=budget,
        metric=metric, final=final, search_mode="bayes" if search.max_iter else "grid",
        search_keys="\n".join(keys),
        lr=recipe.baseline_lr or recipe.lr, strategy=values.strategy,
        fixed_values="\n".join(f"  {key}: {choices[0]}" for key, choices in own.items()))
