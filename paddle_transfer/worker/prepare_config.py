"""Turns the user's config into one that every version of PaddleClas runs, and checks it."""

from __future__ import annotations

import os
from typing import Any

import paddle

from paddle_transfer.config import base, resolve
from paddle_transfer.config.portable import portable
from paddle_transfer.errors import SetupError, TrialError, cause

#: Which data the modes of the engine read.
SPLITS = {"train": ("Train", "Eval", *base.FURTHER), "eval": ("Eval",), "infer": (), "export": ()}


def prepare_config(config: dict[str, Any], *, mode: str) -> dict[str, Any]:
    """A copy of ``config``, which PaddleClas may take apart (its builders pop keys).

    :param mode: ``train``, ``eval``, ``infer`` or ``export``
    :raises TrialError: a file that the config names is not there
    """
    config = base.complete(config)
    if mode != "train":
        config["Global"].setdefault("epochs", 1)
    config = portable(config)
    if mode == "export":
        config["Arch"].pop("use_sync_bn", None)  # stock export does so too
    config.setdefault("profiler_options", None)
    check_files(config, mode=mode)
    _check_topk(config)
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
    """:raises SetupError: this machine or this Paddle has no such ``Global.device``"""
    if device not in resolve.DEVICES:
        raise SetupError(f"Global.device: must be one of {', '.join(resolve.DEVICES)}; found "
                         f"{device!r}")
    if device not in ("cpu", "gpu"):
        try:
            paddle.device.set_device(device)
        except Exception as error:  # of any kind, by version and plugin
            raise SetupError(f"Global.device is {device}, but this Paddle cannot use it: "
                             f"{cause(error)}. To run on the CPU: -o Global.device=cpu") from error
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


def _check_topk(config: dict[str, Any]) -> None:
    """:raises TrialError: a top-k metric has no k within the number of classes"""
    classes = resolve.outputs(config)
    for path, name, topk in resolve.topk(config):
        if classes and all(k > classes for k in topk):
            where = ".".join(path.split(".")[:2])
            raise TrialError(
                f"{where}: {name} has topk {topk}, but there are {classes} classes only")
