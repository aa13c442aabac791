"""Training configs and search files of data sets, made from the files in ``templates``."""

import json
from dataclasses import dataclass, replace
from importlib.resources import files
from string import Template

from paddle_transfer.config.load import show_yaml
from paddle_transfer.config.shipped import SCHEMA, schema_path
from paddle_transfer.datasets.base import CUSTOM_RECIPE, Dataset, Recipe
from paddle_transfer.datasets.registry import public_datasets

#: Architecture for which the large-scale weights (10w) exist.
LARGE_SCALE_ARCH = "ResNet50_vd"
#: Name of the training config of one's own images.
CONFIG = "custom.yaml"
_SWITCH = ("False", "True")
#: Behind the section Arch, where a recipe draws the classifier in its own way.
HEAD = ("\n\n# read by the tools of paddle_transfer; PaddleClas's own draw the classifier as the "
        "network does\nTransfer:\n  head: {{init: {}}}")


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
        """``keys``; the large-scale weights are there for one architecture only."""
        return {key: choices for key, choices in self.keys.items()
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

FOUR_WAYS = SearchVariant("the published comparison of four ways to transfer", 0, {},
                          "search_four_ways")


@dataclass(frozen=True)
class ConfigValues:
    """What differs between the configs of two data sets.

    :param root: the data set's folder, without a final /
    :param counts: images per list, in words
    :param sample: images for inference
    :param remark: comment lines about where the data comes from
    :param no_test: what to do without a test list, in words
    """

    title: str
    root: str
    classes: int
    counts: str
    sample: str
    remark: str
    recipe: Recipe = CUSTOM_RECIPE
    has_val: bool = True
    has_test: bool = True
    delimiter: str = " "
    metric: str = "top1"
    no_test: str = ""


CUSTOM = ConfigValues(
    title="your own images", root="./dataset/custom", classes=10, sample="./dataset/custom",
    counts="set Arch.class_num to your number of classes",
    no_test=" (there is none? -o final=null)",
    remark="# paddle-transfer prepare --dataset folder --root ./dataset/custom --test 0.2\n"
    "# (a folder per class; it also writes this file with your class count to "
    "./dataset/custom/custom.yaml)")


def config_values(dataset: Dataset) -> ConfigValues:
    """The values of a public data set in ``./dataset/<name>``."""
    root = f"./dataset/{dataset.name}"
    command = f"# paddle-transfer prepare --dataset {dataset.name} --root {root}"
    return ConfigValues(
        title=dataset.title, root=root, classes=dataset.classes, counts=_in_words(dataset.counts),
        sample=f"{root}/{dataset.sample}", recipe=dataset.recipe,
        has_test="test" in dataset.official, metric=dataset.metric,
        remark=command if dataset.note else f"{command} --download")


def custom_files(*, root: str, classes: int, lists: dict[str, int],
                 delimiter: str) -> dict[str, str]:
    """Name -> text of the training config and the search file for a prepared folder.

    :param lists: images per list
    """
    values = replace(
        CUSTOM, root=root, classes=classes, sample=root, has_val="val" in lists,
        has_test="test" in lists, delimiter=delimiter, no_test="", counts=_in_words(lists),
        recipe=replace(CUSTOM.recipe, batch_size=min(64, max(1, lists["train"]))),
        remark="# made by paddle-transfer prepare")
    return {CONFIG: training_config(values), "custom_bayes.yaml": search_file(
        values, "bayes", base=f"{root}/{CONFIG}", output_dir="./output/search_custom",
        schema=schema_path(root))}


def shipped_files() -> dict[str, str]:
    """Path below ``ppcls_configs`` -> text of all generated files."""
    texts = {}
    every = {name: config_values(dataset) for name, dataset in public_datasets().items()}
    for name, values in {**every, "custom": CUSTOM}.items():
        base = f"transfer/{values.recipe.arch}/{name}.yaml"
        texts[base] = training_config(values)
        for variant in VARIANTS:
            if variant != "weights" or values.recipe.arch == LARGE_SCALE_ARCH:
                texts[f"search/{name}_{variant}.yaml"] = search_file(
                    values, variant, base=f"ppcls_configs/{base}",
                    output_dir=f"./output/search_{name}_{variant}", schema=f"../{SCHEMA}")
    texts["transfer/VGG16/voc2012_two_layers.yaml"] = training_config(
        every["voc2012"], model="model_two_layers")
    return texts


def training_config(values: ConfigValues, *, model: str = "model") -> str:
    """The text of a PaddleClas config; ``model`` is the template of its section Arch."""
    topk = [k for k in (1, 5) if k <= values.classes]
    delimiter = f"delimiter: {json.dumps(values.delimiter)}" if values.delimiter != " " else ""
    data = {"image_root": show_yaml(f"{values.root}/"), "delimiter": delimiter}
    lists = {split: show_yaml(f"{values.root}/{split}_list.txt")
             for split in ("train", "val", "test", "label")}
    evaluation = [_render("evaluation", section="Eval", comment="",
                          list=lists["val" if values.has_val else "test"], **data)]
    if values.has_val and values.has_test:
        evaluation.append(_render(
            "evaluation", section="Test", list=lists["test"], comment="# never looked at while "
            "tuning; PaddleClas's own tools leave it alone", **data))
    return _render(
        "training", title=values.title, classes=values.classes, counts=values.counts,
        remark=values.remark, epochs=values.recipe.epochs, lr=values.recipe.lr,
        batch_size=values.recipe.batch_size, sample=show_yaml(values.sample), topk=topk,
        infer_topk=topk[-1], train_list=lists["train"], label_list=lists["label"],
        protocol="# The protocol of this data set reports mean per class accuracy on the test list."
        if values.metric == "mean_per_class" else "",
        model=_render(model, arch=values.recipe.arch, classes=values.classes).rstrip() + (
            HEAD.format(values.recipe.head_init) if values.recipe.head_init else ""),
        evaluation="\n".join(evaluation).rstrip(), **data)


def search_file(values: ConfigValues, variant: str, *, base: str, output_dir: str,
                schema: str) -> str:
    """The text of a search file.

    :param variant: one of ``VARIANTS``
    :param base: path of the training config, made of the same ``values``
    :param schema: path of the JSON Schema, for editors; relative to the search file
    """
    search, recipe = VARIANTS[variant], values.recipe
    if variant == "strategies" and recipe.four_ways:
        search = FOUR_WAYS
    metric = final = budget = ""
    if search.max_iter:
        budget = f"max_iter: {search.max_iter}\nde_duplication: True"
    if values.metric != "top1":
        metric = f"# what the protocol of this data set reports\nmetric: {values.metric}"
    if values.has_val and values.has_test:
        final = ("# tuned on the validation list; then the best point and the fixed point are "
                 "trained again on train + validation\n# and each tested once on the test list"
                 f"{values.no_test}\nfinal: {{retrain_on: train+val}}")
    own = search.keys_for(recipe.arch)
    keys = [f"  - search_key: {key}\n    search_values: [{', '.join(choices)}]"
            for key, choices in own.items()]
    return _render(
        search.template, title=values.title[0].upper() + values.title[1:], purpose=search.purpose,
        schema=schema, base=show_yaml(base), output_dir=show_yaml(output_dir), budget=budget,
        metric=metric, final=final, search_mode="bayes" if search.max_iter else "grid",
        search_keys="\n".join(keys),
        lr=recipe.baseline_lr or recipe.lr,
        fixed_values="\n".join(f"  {key}: {choices[0]}" for key, choices in own.items()))


def _render(template: str, **values: object) -> str:
    """The text of a template; a line that is one empty placeholder is left out."""
    text = (files(__package__) / "templates" / f"{template}.yaml").read_text(encoding="utf-8")
    empty = {f"${name}" for name, value in values.items() if value == ""}
    lines = [line for line in text.splitlines(keepends=True) if line.strip() not in empty]
    return Template("".join(lines)).substitute(values)


def _in_words(counts: dict[str, int]) -> str:
    return " / ".join(f"{counts[split]} {split}" for split in ("train", "val", "test")
                      if split in counts)
