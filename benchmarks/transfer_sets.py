"""The picture sets that ways to transfer are compared on: parts drawn with a seed, and the config.

A training picture, one that the rate is chosen on and one that is tested on are never nearly alike
(``real_data``). The configs are those of ``benchmarks/tables/squeezenet_SET``: SqueezeNet1_1 at
64 px, batch 16, SGD with momentum, a cosine schedule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.real_data import Sizes, choose_classes, draw_samples, read_set, write_set
from paddle_transfer.config.load import load_yaml
from paddle_transfer.errors import PaddleTransferError

CONFIGS = Path(__file__).resolve().parent / "tables"
SIZE = 64


@dataclass(frozen=True)
class PictureSet:
    """Which part of a set of ``real_data`` is used.

    :param classes: their names; None: all. The same for every number of training images, so that
        these can be compared
    :param val: images of a class on which rates are chosen
    :param test: images of a class that are tested on, at most
    """

    name: str
    classes: Sequence[str] | None
    val: int
    test: int = 40

    @property
    def photographs(self) -> bool:
        """Whether the set has pictures that are nearly alike and must stay on one side."""
        return self.name in ("tuxpaint", "openclipart")


SETS = {one.name: one for one in (
    # all classes with at least 16 photographs: none has 50, four have 25
    PictureSet("tuxpaint", ("bird", "clothes", "coin", "fish", "flower", "fruit", "handsign",
                            "mammal", "roadsign", "tool", "vegetable", "vehicle"), val=4),
    # all classes with at least 62 drawings, so that 50 can be trained on
    PictureSet("openclipart", ("clothing", "dessert", "fruit", "mammal", "music", "roadsign",
                               "sport", "vehicle"), val=6),
    PictureSet("digits", None, val=10),
    PictureSet("fashion", None, val=10))}


class Unfilled(PaddleTransferError):
    """The set has too few pictures of a class."""


def draw(chosen: PictureSet, *, per_class: int, seed: int, source: Path, folder: Path) -> None:
    """Write images and the lists train, val and test into ``folder``, unless they are there.

    Raises Unfilled.
    """
    if (folder / "label_list.txt").exists():
        return
    pictures = choose_classes(read_set(chosen.name, source), chosen.classes)
    # what neither of the first two parts takes is the third; here that is the part tested on
    samples = draw_samples(pictures, Sizes(per_class, val=chosen.test, test=chosen.val), size=SIZE,
                           seed=seed, photographs=chosen.photographs)
    samples["val"], samples["test"] = samples["test"], samples["val"]
    for label in sorted({picture.label for picture in pictures}):
        found = {part: Counter(one.label for one in members)[label]
                 for part, members in samples.items()}
        if found["train"] < per_class or not found["val"] or not found["test"]:
            raise Unfilled(f"{chosen.name}: class {label} has too few pictures for {per_class} a "
                           f"class in training: {found}")
    write_set(samples, folder, shift="none", seed=seed)


def config_of(chosen: PictureSet, folder: Path, *, weights: Path, epochs: int,
              seed: int) -> dict[str, Any]:
    """A training config for what ``draw`` wrote, evaluated after the last epoch on the val list."""
    config: dict[str, Any] = load_yaml(str(CONFIGS / f"squeezenet_{chosen.name}" / "target.yaml"))
    config["Global"].update(pretrained_model=str(weights.with_suffix("")), epochs=epochs,
                            eval_interval=epochs, seed=seed, print_batch_step=10_000)
    config["Arch"]["class_num"] = len((folder / "label_list.txt").read_text().splitlines())
    for section, part in (("Train", "train"), ("Eval", "val")):
        config["DataLoader"][section]["dataset"].update(
            image_root=str(folder), cls_label_path=str(folder / f"{part}_list.txt"))
    return config


def with_test_list(config: dict[str, Any], weights: Path) -> dict[str, Any]:
    """``config`` to evaluate ``weights`` on the test list."""
    dataset = config["DataLoader"]["Eval"]["dataset"]
    loader = {**config["DataLoader"]["Eval"], "dataset": {
        **dataset, "cls_label_path": str(Path(dataset["image_root"]) / "test_list.txt")}}
    settings = {**config["Global"], "pretrained_model": str(weights.with_suffix(""))}
    return {**{key: value for key, value in config.items() if key != "Transfer"},
            "Global": settings, "DataLoader": {**config["DataLoader"], "Eval": loader}}
