"""Turns the user's config into one that every version of PaddleClas runs, and checks it."""

from __future__ import annotations

import os
from typing import Any

import paddle

from paddle_transfer import dotpath
from paddle_transfer.config import base, pretrained, resolve
from paddle_transfer.errors import SetupError, TrialError

#: Which data the modes of the engine read.
SPLITS = {"train": ("Train", "Eval"), "eval": ("Eval",), "infer": (), "export": ()}


def prepare_config(config: dict[str, Any], *, mode: str) -> dict[str, Any]:
    """A copy of ``config``, which PaddleClas may take apart (its builders pop keys).

    :param mode: ``train``, ``eval``, ``infer`` or ``export``
    :raises TrialError: a file that the config names is not there
    """
    config = resolve.with_class_num(base.complete(config))
    section = config["Global"]
    if mode != "train":
        section.setdefault("epochs", 1)
    if mode == "export" or section["device"] != "gpu":
        # stock export does so too; on a CPU 2.4 would fail where later versions warn
        config["Arch"].pop("use_sync_bn", None)
    if pretrained.loaded_by_paddleclas(config) and isinstance(section["pretrained_model"], str):
        # 2.4 adds the suffix always, later versions when it is missing
        section["pretrained_model"] = section["pretrained_model"].removesuffix(pretrained.SUFFIX)
    config.setdefault("profiler_options", None)
    check_files(config, mode=mode)
    _drop_mixed_accuracy(config)
    _limit_topk(config)
    return config


def check_files(config: dict[str, Any], *, mode: str) -> None:
    """:raises TrialError: a list file or image root is not there (PaddleClas has a bare assert)"""
    gone = [f"DataLoader.{split}.dataset.{key}: there is no {path}" for split in SPLITS[mode]
            for key in ("image_root", "cls_label_path")
            if isinstance(path := _dataset(config, split).get(key), str)
            and not os.path.exists(path)]
    if gone:
        raise TrialError("; ".join(gone) + f" (relative paths start at {os.getcwd()})")


def check_device(device: str) -> None:
    """:raises SetupError: ``Global.device`` is ``gpu``, and this machine or this Paddle has none"""
    if device != "gpu":
        return
    if not paddle.device.is_compiled_with_cuda():
        reason = "this Paddle is the CPU-only build"
    elif paddle.device.cuda.device_count() == 0:
        reason = "no GPU is visible (look at nvidia-smi and CUDA_VISIBLE_DEVICES)"
    else:
        return
    raise SetupError(f"Global.device is gpu, but {reason}. To run on the CPU: -o Global.device=cpu")


def _dataset(config: dict[str, Any], split: str) -> dict[str, Any]:
    return ((config.get("DataLoader") or {}).get(split) or {}).get("dataset") or {}


def _drop_mixed_accuracy(config: dict[str, Any]) -> None:
    """Drop TopkAcc from ``Metric.Train`` under mixed labels.

    PaddleClas means to, but skips every second entry: it removes from the list while iterating.
    """
    metrics = (config.get("Metric") or {}).get("Train")
    if metrics and _dataset(config, "Train").get("batch_transform_ops"):
        config["Metric"]["Train"] = [metric for metric in metrics if "TopkAcc" not in metric]


def _limit_topk(config: dict[str, Any]) -> None:
    """Drop every k beyond the number of classes from the top-k metrics.

    2.4 does so in the first batch (and fails when nothing is left), later versions report 1.0,
    which would always be the best metric when it comes first.

    :raises TrialError: nothing is left
    """
    classes = resolve.outputs(config)
    for path, name, topk in resolve.topk(config):
        kept = [k for k in topk if not classes or k <= classes]
        if not kept:
            raise TrialError(f"{path.rpartition(f'.{name}')[0]}: {name} has topk {topk}, but there "
                             f"are {classes} classes only")
        if kept != topk:
            dotpath.set_(config, path, kept)
