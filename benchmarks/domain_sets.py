"""The two lists that ``benchmark.py domains`` trains on: what is drawn, and the configs.

A *pair* is ``SOURCE>TARGET``. Adapted are ``digits>photographs`` (``digits_in_photographs``) and
``drawings>cut-outs`` (openclipart and tuxpaint, the classes that both have); trained together are
pairs of ``transfer_sets``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.digits_in_photographs import SIZE, write_digits
from benchmarks.real_data import Picture, Sample, Sizes, draw_samples, read_set, write_set
from benchmarks.transfer_sets import SETS, config_of, draw

DIGITS, PICTURES = "digits>photographs", "drawings>cut-outs"
ADAPTED = (DIGITS, PICTURES)
BATCH = 16
#: Pairs to train together; of the source, which has these images a class, another seed's draw.
TOGETHER: Mapping[str, tuple[str, int]] = {
    "fashion>digits": ("fashion", 50), "tuxpaint>openclipart": ("tuxpaint", 10),
    "openclipart>tuxpaint": ("openclipart", 50)}
#: Classes that openclipart and tuxpaint have, by their name in openclipart.
COMMON = {"mammal": "mammal", "bird": "bird", "bug": "insect", "fish": "fish", "fruit": "fruit",
          "flower": "flower", "roadsign": "roadsign", "vehicle": "vehicle", "clothing": "clothes"}
#: Of a class: drawings to train on and, at most, to choose on; cut-outs without labels, at most to
#: choose on where labels are allowed (``test``), and at most to test on (``val``).
DRAWINGS, CUT_OUTS = Sizes(20, val=10), Sizes(8, val=16, test=3)


def write_pictures(folder: Path, *, source: Path, seed: int) -> None:
    """Lists as ``write_digits`` writes them, of drawings and cut-outs, unless they are there."""
    if (folder / "label_list.txt").exists():
        return
    drawings = _parts("openclipart", source, DRAWINGS, seed)
    cut_outs = _parts("tuxpaint", source, CUT_OUTS, seed)
    write_set({"train": drawings["train"], "val": drawings["val"], "target": cut_outs["train"],
               "target_val": cut_outs["test"], "test": cut_outs["val"]},
              folder, shift="none", seed=seed)


def _parts(name: str, source: Path, sizes: Sizes, seed: int) -> dict[str, list[Sample]]:
    names = COMMON if name == "openclipart" else {one: one for one in COMMON.values()}
    pictures = [Picture(names[one.label], f"{name}_{one.name}", one.read)
                for one in read_set(name, source) if one.label in names]
    return draw_samples(pictures, sizes, size=64, seed=seed, photographs=True)


def write_pair(pair: str, folder: Path, *, per_class: int, source: Path, seed: int) -> None:
    """Write what ``pair`` is trained and tested on into ``folder``, unless it is there.

    :param per_class: training images of the target's class; 0: all (pairs that are adapted)
    :raises Unfilled: a class has too few
    """
    if pair == DIGITS:
        write_digits(folder, seed=seed)
    elif pair == PICTURES:
        write_pictures(folder, source=source, seed=seed)
    else:
        other, count = TOGETHER[pair]
        draw(SETS[pair.partition(">")[2]], per_class=per_class, seed=seed, source=source,
             folder=folder)
        draw(replace(SETS[other], val=1, test=1), per_class=count, seed=seed, source=source,
             folder=folder / "source")


# -- configs ---------------------------------------------------------------------------------------


def adapted_config(pair: str, folder: Path, *, weights: Path, steps: int, seed: int, train: str,
                   unlabeled: bool) -> dict[str, Any]:
    """A config for a pair of ``ADAPTED``, evaluated after its last epoch on ``val``.

    :param steps: of the training, to the nearest whole epoch
    :param train: name of the list that is trained on
    :param unlabeled: whether the list ``target`` is read beside it, without its labels
    """
    images = len((folder / f"{train}_list.txt").read_text().splitlines())
    epochs = max(1, round(steps / (images // BATCH)))
    if pair == DIGITS:
        config = _digits_config(folder, epochs=epochs, seed=seed)
    else:
        config = config_of(SETS["openclipart"], folder, weights=weights, epochs=epochs, seed=seed)
        config["Optimizer"]["lr"]["warmup_epoch"] = max(1, round(epochs / 6))
    loader = config["DataLoader"]
    loader["Train"]["dataset"]["cls_label_path"] = str(folder / f"{train}_list.txt")
    if unlabeled:
        loader["Unlabeled"] = _section(loader["Train"], folder, "target")
    return config


def together_config(pair: str, folder: Path, *, weights: Path, epochs: int, seed: int,
                    with_source: bool) -> dict[str, Any]:
    """A config for what ``write_pair`` wrote of a pair to train together."""
    config = config_of(SETS[pair.partition(">")[2]], folder, weights=weights, epochs=epochs,
                       seed=seed)
    config["Optimizer"]["lr"]["warmup_epoch"] = epochs // 3 or 1
    if with_source:
        loader = config["DataLoader"]
        loader["Source"] = _section(loader["Train"], folder / "source", "train")
    return config


def evaluated_on(config: dict[str, Any], part: str) -> dict[str, Any]:
    """``config`` with another list to evaluate on."""
    loader = config["DataLoader"]
    folder = Path(loader["Eval"]["dataset"]["image_root"])
    return {**config, "DataLoader": {**loader, "Eval": _section(loader["Eval"], folder, part)}}


def _section(section: dict[str, Any], folder: Path, part: str) -> dict[str, Any]:
    return {**section, "dataset": {**section["dataset"], "image_root": str(folder),
                                   "cls_label_path": str(folder / f"{part}_list.txt")}}


def _digits_config(folder: Path, *, epochs: int, seed: int) -> dict[str, Any]:
    decode = {"DecodeImage": {"to_rgb": True, "channel_first": False}}
    normalize = {"NormalizeImage": {"scale": "1.0/255.0", "mean": [0.5, 0.5, 0.5],
                                    "std": [0.5, 0.5, 0.5], "order": ""}}
    crop = {"RandCropImage": {"size": SIZE, "scale": [0.7, 1.0]}}

    def section(part: str, ops: list[dict[str, Any]], batch: int) -> dict[str, Any]:
        train = part == "train"
        return {"dataset": {"name": "ImageNetDataset", "image_root": str(folder),
                            "cls_label_path": str(folder / f"{part}_list.txt"),
                            "transform_ops": ops},
                "sampler": {"name": "DistributedBatchSampler", "batch_size": batch,
                            "drop_last": train, "shuffle": train},
                "loader": {"num_workers": 0, "use_shared_memory": False}}

    return {"Global": {"checkpoints": None, "pretrained_model": None, "output_dir": str(folder),
                       "device": "cpu", "seed": seed, "save_interval": 1000,
                       "eval_during_train": True, "eval_interval": epochs, "epochs": epochs,
                       "print_batch_step": 10_000, "use_visualdl": False,
                       "image_shape": [3, SIZE, SIZE]},
            "Arch": {"name": "ResNet18", "class_num": 10},
            "Loss": {"Train": [{"CELoss": {"weight": 1.0}}], "Eval": [{"CELoss": {"weight": 1.0}}]},
            "Optimizer": {"name": "Momentum", "momentum": 0.9,
                          "lr": {"name": "Cosine", "learning_rate": 0.02, "warmup_epoch": 1},
                          "regularizer": {"name": "L2", "coeff": 1e-4}},
            "DataLoader": {"Train": section("train", [decode, crop, normalize], BATCH),
                           "Eval": section("val", [decode, normalize], 64)},
            "Metric": {"Train": [{"TopkAcc": {"topk": [1]}}], "Eval": [{"TopkAcc": {"topk": [1]}}]}}
