"""Real images without a download: scikit-learn's 8x8 digits as PNG files with PaddleClas's lists, and a config."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from paddle_transfer import dotpath


def write_digits(root: str, *, classes: Sequence[int] = (0, 1, 2, 3), per_class_train: int = 10,
                 per_class_val: int = 5, size: int = 28) -> None:
    """Writes ``root``/images/*.png, train_list.txt, val_list.txt (``path label``, labels from 0 in the order of
    ``classes``) and label_list.txt (``label digit``). The same arguments give the same files.

    :param size: side of the square RGB images in pixels
    """
    # the order of imports is that of the worker: see worker/shims.py
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    os.makedirs(os.path.join(root, "images"), exist_ok=True)
    lists: dict[str, list[str]] = {"train": [], "val": []}
    for label, digit in enumerate(classes):
        found = np.flatnonzero(digits.target == digit)
        assert len(
            found) >= per_class_train + per_class_val, f"there are {len(found)} images of a {digit}"
        for position, index in enumerate(found[:per_class_train + per_class_val]):
            split = "train" if position < per_class_train else "val"
            name = f"images/{split}_{digit}_{index:04d}.png"
            pixels = (digits.images[index] * (255 / 16)).round().astype("uint8")
            Image.fromarray(pixels).resize((size, size), Image.BICUBIC).convert("RGB").save(
                os.path.join(root, name))
            lists[split].append(f"{name} {label}")
    # the label list is by numbers, the image lists must not be: PaddleClas shuffles, but a batch in order is no batch
    for name, lines in {
            "train_list": lists["train"], "val_list": lists["val"],
            "label_list": [f"{label} {digit}" for label, digit in enumerate(classes)]
    }.items():
        with open(os.path.join(root, f"{name}.txt"), "w", encoding="utf-8") as stream:
            stream.write("\n".join(lines) + "\n")


def tiny_config(root: str, output_dir: str, **overrides: Any) -> dict:
    """A whole PaddleClas config that trains on ``write_digits(root)`` in about a second per epoch.

    :param overrides: by dotted path with two underscores for a dot (``Global__epochs=3``)
    """
    with open(os.path.join(root, "label_list.txt"), encoding="utf-8") as stream:
        class_num = len(stream.read().split("\n")) - 1
    normalize = {
        "NormalizeImage": {
            "scale": 1.0 / 255.0, "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "order": ""
        }
    }
    decode = {"DecodeImage": {"to_rgb": True, "channel_first": False}}
    config = {
        "Global": {
            "checkpoints": None, "pretrained_model": None, "output_dir": output_dir,
            "device": "cpu", "seed": 7, "save_interval": 1, "eval_during_train": True,
            "eval_interval": 1, "epochs": 2, "print_batch_step": 10, "use_visualdl": False,
            "image_shape": [3, 28, 28], "save_inference_dir": os.path.join(output_dir, "inference")
        },
        "Arch": {"name": "MobileNetV3_small_x0_35", "class_num": class_num},
        "Loss": {"Train": [{"CELoss": {"weight": 1.0}}], "Eval": [{"CELoss": {"weight": 1.0}}]},
        "Optimizer": {
            "name": "Momentum", "momentum": 0.9,
            "lr": {"name": "Cosine", "learning_rate": 0.05,
                   "warmup_epoch": 0}, "regularizer": {"name": "L2", "coeff": 0.0001}
        },
        "DataLoader": {
            "Train": _loader(
                root, "train",
                [decode, {"RandCropImage": {"size": 28, "scale": [0.7, 1.0]}}, normalize],
                shuffle=True), "Eval": _loader(root, "val", [decode, normalize], shuffle=False)
        },
        "Infer": {
            "infer_imgs": os.path.join(root, "images"), "batch_size": 8,
            "transforms": [decode, {"ResizeImage": {"size": 28}}, normalize,
                           {"ToCHWImage": None}], "PostProcess": {
                               "name": "Topk", "topk": 2, "class_id_map_file": os.path.join(
                                   root, "label_list.txt")
                           }
        },
        "Metric": {"Train": [{"TopkAcc": {"topk": [1]}}], "Eval": [{"TopkAcc": {"topk": [1, 2]}}]},
    }
    config = dotpath.clone(config)
    for path, value in overrides.items():
        dotpath.set_(config, path.replace("__", "."), value, create=True)
    return config


def _loader(root: str, split: str, transforms: list, *, shuffle: bool) -> dict:
    return {
        "dataset": {
            "name": "ImageNetDataset", "image_root": root, "cls_label_path": os.path.join(
                root, f"{split}_list.txt"), "transform_ops": transforms
        }, "sampler": {
            "name": "DistributedBatchSampler", "batch_size": 8, "drop_last": False,
            "shuffle": shuffle
        }, "loader": {"num_workers": 0, "use_shared_memory": False}
    }
