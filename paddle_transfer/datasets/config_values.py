"""What differs between the configs of two data sets, and the templates that it is put into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from string import Template

from paddle_transfer.datasets.base import CUSTOM_RECIPE, FURTHER, Dataset, Recipe

#: Of the images that ImageNet's weights were trained with, and of what an evaluation cuts them
#: from.
SIZE, RESIZE = 224, 256
MULTI_TASK, DOMAIN_ADAPTATION = "multi_task", "domain_adaptation"
#: The search in which no label of the target is seen.
TARGET_FREE = "target_free"


@dataclass(frozen=True)
class ConfigValues:
    """What differs between the configs of two data sets.

    :param root: the data set's folder, without a final /
    :param counts: images per list, in words
    :param sample: images for inference
    :param remark: comment lines about where the data comes from
    :param no_test: what to do without a test list, in words
    :param further: lists beside that of training, ``source`` and ``unlabeled``: their batch sizes
    :param size: of the images, px
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
    further: Mapping[str, int] = field(default_factory=dict)
    size: int = SIZE

    @property
    def pixels(self) -> dict[str, int]:
        """The side of crops, and that of the images that those of an evaluation are cut from."""
        return {"size": self.size, "resize": round(self.size * RESIZE / SIZE)}

    @property
    def strategy(self) -> str:
        """What reads the further lists; "" if there are none."""
        return (DOMAIN_ADAPTATION if "unlabeled" in self.further
                else MULTI_TASK if self.further else "")

    @property
    def variant(self) -> str:
        """The search over ``strategy``: without labels of the target where all are of another
        domain."""
        return TARGET_FREE if [*self.further] == ["unlabeled"] else self.strategy


CUSTOM = ConfigValues(
    title="your own images", root="./dataset/custom", classes=10, sample="./dataset/custom",
    counts="set Arch.class_num to your number of classes",
    no_test=" (there is none? -o final=null)",
    remark="# paddle-transfer prepare --dataset folder --root ./dataset/custom --test 0.2{}\n"
    "# (a folder per class; it also writes this file with your class count to "
    "./dataset/custom/custom{}.yaml)")


def config_values(dataset: Dataset) -> ConfigValues:
    """The values of a public data set in ``./dataset/<name>``."""
    root = f"./dataset/{dataset.name}"
    command = f"# paddle-transfer prepare --dataset {dataset.name} --root {root}"
    return ConfigValues(
        title=dataset.title, root=root, classes=dataset.classes, counts=in_words(dataset.counts),
        sample=f"{root}/{dataset.sample}", recipe=dataset.recipe,
        has_test="test" in dataset.official, metric=dataset.metric,
        remark=command if dataset.note else f"{command} --download")


def render(template: str, **values: object) -> str:
    """The text of a template; a line that is one empty placeholder is left out."""
    text = (files(__package__) / "templates" / f"{template}.yaml").read_text(encoding="utf-8")
    empty = {f"${name}" for name, value in values.items() if value == ""}
    lines = [line for line in text.splitlines(keepends=True) if line.strip() not in empty]
    return Template("".join(lines)).substitute(values)


def in_words(counts: dict[str, int]) -> str:
    return " / ".join(f"{counts[split]} {split}"
                      for split in ("train", "val", "test", *FURTHER) if split in counts)
