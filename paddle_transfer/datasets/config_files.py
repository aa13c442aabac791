"""Training configs and search files of data sets, made from the files in ``templates``."""

import json
from collections.abc import Mapping
from dataclasses import replace

from paddle_transfer.config.load import show_yaml
from paddle_transfer.config.shipped import SCHEMA, schema_path
from paddle_transfer.datasets.base import FURTHER, Dataset
from paddle_transfer.datasets.config_values import (
    CUSTOM,
    MULTI_TASK,
    ConfigValues,
    config_values,
    in_words,
    render,
)
from paddle_transfer.datasets.registry import public_datasets
from paddle_transfer.datasets.search_files import LARGE_SCALE_ARCH, VARIANTS, search_file

#: The section Transfer, where a recipe draws the classifier in its own way or reads two lists.
TRANSFER = "\n\n# read by the tools of paddle_transfer; PaddleClas's own {}\nTransfer:\n"
#: Of the training list beside a longer source: BatchNorm wants some images.
SMALLEST_BATCH = 8
#: The steps of an epoch over a folder of few images: its batch is smaller then, down to ``FEW``.
STEPS, FEW = 10, 16


def written_files(dataset: Dataset, *, root: str, classes: int, lists: dict[str, int],
                  delimiter: str, arch: str | None = None, size: int | None = None,
                  sample: str = "") -> dict[str, str]:
    """Name -> text of the training config and the search file for a prepared folder.

    :param lists: images per list
    :param arch: the network; None: the data set's
    :param size: of the images, px; None: 224
    :param sample: images for inference; "": the data set's
    """
    values = config_values(dataset) if dataset.official else CUSTOM
    name = dataset.name if dataset.official else "custom"
    most = values.recipe.batch_size
    if not dataset.official:
        most = min(most, max(FEW, max(lists["train"], lists.get("source", 0)) // STEPS))
    recipe = replace(values.recipe, batch_size=_batch_size(lists, most),
                     arch=arch or values.recipe.arch)
    values = replace(
        values, root=root, size=size or values.size, classes=classes, recipe=recipe,
        counts=in_words(lists), no_test="",
        sample=sample or f"{root}/{dataset.sample}", delimiter=delimiter,
        has_val="val" in lists, has_test="test" in lists,
        further={one: min(most, lists[one]) for one in FURTHER if one in lists},
        remark="# made by paddle-transfer prepare")
    name = "_".join(filter(None, (name, values.strategy)))
    base, variant = f"{name}.yaml", values.variant or "bayes"
    return {base: training_config(values),
            f"{name}_{'search' if values.further else variant}.yaml": search_file(
                values, variant, base=f"{root}/{base}", output_dir=f"./output/search_{name}",
                schema=schema_path(root))}


def _batch_size(lists: Mapping[str, int], most: int) -> int:
    """Images of the training list in a step: of a longer source ``most`` are in it, and as many
    steps as an epoch has should go through both."""
    share = min(1.0, lists["train"] / max(1, lists.get("source", 0)))
    return min(max(SMALLEST_BATCH, round(most * share)), max(1, lists["train"]))


def shipped_files() -> dict[str, str]:
    """Path below ``ppcls_configs`` -> text of all generated files."""
    texts = {}
    plain = replace(CUSTOM, remark=CUSTOM.remark.format("", ""))
    every = {name: config_values(dataset) for name, dataset in public_datasets().items()}
    for name, values in {**every, "custom": plain}.items():
        base = f"transfer/{values.recipe.arch}/{name}.yaml"
        texts[base] = training_config(values)
        for variant in VARIANTS:
            if variant != "weights" or values.recipe.arch == LARGE_SCALE_ARCH:
                texts[f"search/{name}_{variant}.yaml"] = search_file(
                    values, variant, base=f"ppcls_configs/{base}",
                    output_dir=f"./output/search_{name}_{variant}", schema=f"../{SCHEMA}")
    for further in ("source", "unlabeled"):
        values = replace(CUSTOM, further={further: CUSTOM.recipe.batch_size})
        name = f"custom_{values.strategy}"
        values = replace(values, remark=CUSTOM.remark.format(
            f" --{further} ./dataset/{further}", f"_{values.strategy}"))
        base = f"transfer/{values.recipe.arch}/{name}.yaml"
        texts[base] = training_config(values)
        texts[f"search/{name}_search.yaml"] = search_file(
            values, values.variant, base=f"ppcls_configs/{base}",
            output_dir=f"./output/search_{name}", schema=f"../{SCHEMA}")
    texts["transfer/VGG16/voc2012_two_layers.yaml"] = training_config(
        every["voc2012"], model="model_two_layers")
    return texts


def training_config(values: ConfigValues, *, model: str = "model") -> str:
    """The text of a PaddleClas config; ``model`` is the template of its section Arch."""
    topk = [k for k in (1, 5) if k <= values.classes]
    delimiter = f"delimiter: {json.dumps(values.delimiter)}" if values.delimiter != " " else ""
    data = {"image_root": show_yaml(f"{values.root}/"), "delimiter": delimiter, **values.pixels}
    lists = {split: show_yaml(f"{values.root}/{split}_list.txt")
             for split in ("train", "val", "test", "label", *FURTHER)}
    sizes = {"train": values.recipe.batch_size, **values.further}
    training = [render("training_list", section=split.capitalize(), list=lists[split],
                       batch_size=size, comment=_comment(split, values), **data).rstrip()
                for split, size in sizes.items()]
    evaluation = [render("evaluation", section="Eval", comment="",
                         list=lists["val" if values.has_val else "test"], **data)]
    if values.has_val and values.has_test:
        evaluation.append(render(
            "evaluation", section="Test", list=lists["test"], comment="# never looked at while "
            "tuning; PaddleClas's own tools leave it alone", **data))
    return render(
        "training", title=values.title, classes=values.classes, counts=values.counts,
        remark=values.remark, epochs=values.recipe.epochs, lr=values.recipe.lr,
        sample=show_yaml(values.sample), topk=topk, infer_topk=topk[-1],
        label_list=lists["label"], training="\n\n".join(training),
        protocol="# The protocol of this data set reports mean per class accuracy on the test list."
        if values.metric == "mean_per_class" else "",
        model=render(model, arch=values.recipe.arch, classes=values.classes).rstrip()
        + _transfer(values), evaluation="\n".join(evaluation).rstrip(), **data)


def _comment(split: str, values: ConfigValues) -> str:
    """About a list that is trained on; "" about the one that every config has."""
    if split == "source":
        return ("# images with classes of their own, in each step beside those of Train"
                if values.strategy == MULTI_TASK else
                "# labelled images from elsewhere, with the classes of Train")
    return "# where the network will be used; labels are not read" if split != "train" else ""


def _transfer(values: ConfigValues) -> str:
    """The section Transfer, behind Arch; "" where there is none."""
    lines = {"draw the classifier as the network does":
             f"head: {{init: {values.recipe.head_init}}}" if values.recipe.head_init else "",
             "train with Train alone": f"strategy: {values.strategy}" if values.strategy else ""}
    lines = {without: line for without, line in lines.items() if line}
    return TRANSFER.format(" and ".join(lines)) + "\n".join(
        f"  {line}" for line in lines.values()) if lines else ""
