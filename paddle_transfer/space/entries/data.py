"""Sizes of images and batches."""

from __future__ import annotations

from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config import resolve
from paddle_transfer.config.base import list_at
from paddle_transfer.space import optimizers, transforms
from paddle_transfer.space.entry import Entry, whole

BATCH_SIZE_PATH = "DataLoader.Train.sampler.batch_size"


def _check_batch_size(config: dict[str, Any]) -> str | None:
    return None if dotpath.exists(config, BATCH_SIZE_PATH) else f"needs {BATCH_SIZE_PATH}"


def _apply_batch_size(config: dict[str, Any], value: int) -> None:
    dotpath.set_(config, BATCH_SIZE_PATH, int(value))


def _apply_scaled(config: dict[str, Any], value: int) -> None:
    optimizers.scale_rates(config, old=dotpath.get(config, BATCH_SIZE_PATH), new=value)
    _apply_batch_size(config, value)


def _check_sizes(config: dict[str, Any]) -> str | None:
    for path in (transforms.TRAIN_OPS, transforms.EVAL_OPS):
        if not list_at(config, path):
            return f"needs {path}"
    if transforms.side(config, transforms.TRAIN_OPS) is None and not resolve.image_shape(config):
        return ("needs pictures of one square size: a crop in the training operators, or "
                "Global.image_shape,")
    return None


def _apply_resolution(config: dict[str, Any], value: int) -> None:
    shape = resolve.image_shape(config) or [3, int(value), int(value)]
    fallback = transforms.side(config, transforms.TRAIN_OPS) or shape[-1]
    for path in (transforms.TRAIN_OPS, transforms.EVAL_OPS, transforms.TEST_OPS,
                 transforms.INFER_OPS, *transforms.FURTHER_OPS):
        transforms.resize(config, path, to=int(value), fallback=fallback)
    config["Global"]["image_shape"] = [shape[0], int(value), int(value)]
    if "img_size" in config["Arch"]:
        config["Arch"]["img_size"] = int(value)


BATCH_SIZE = Entry(
    name="batch_size", meaning="images per batch and device in training; the learning rate stays",
    values=(32, 64, 128), log=True, check=whole(1), apply=_apply_batch_size,
    check_requirements=_check_batch_size, edits=(BATCH_SIZE_PATH,), source="Masters & Luschi 2018")

BATCH_SIZE_SCALED = Entry(
    name="batch_size_scaled",
    meaning="batch_size, and the learning rate times new / old batch size (a searched lr counts "
    "for the base config's batch size)", values=(32, 64, 128), log=True, check=whole(1), stage=1,
    apply=_apply_scaled, check_requirements=_check_batch_size,
    edits=(BATCH_SIZE_PATH, "Optimizer.lr.learning_rate"), source="Goyal et al. 2017")

RESOLUTION = Entry(
    name="resolution",
    meaning="side of the pictures in pixels: crops of all lists, the resize before these in "
    "proportion, image_shape and Infer together", values=(160, 192, 224),
    check=whole(16), apply=_apply_resolution, check_requirements=_check_sizes, stage=-1,
    edits=(transforms.TRAIN_OPS, transforms.EVAL_OPS, transforms.TEST_OPS, transforms.INFER_OPS,
           *transforms.FURTHER_OPS, "Global.image_shape", "Arch.img_size"),
    source="Touvron et al. 2019 (FixRes)")
