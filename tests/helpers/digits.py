"""A whole PaddleClas config for the images of ``tools.digits``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from paddle_transfer import dotpath

DECODE = {"DecodeImage": {"to_rgb": True, "channel_first": False}}
NORMALIZE = {"NormalizeImage": {"scale": 1.0 / 255.0, "mean": [0.5, 0.5, 0.5],
                                "std": [0.5, 0.5, 0.5], "order": ""}}


def tiny_config(root: str, output_dir: str, **overrides: Any) -> dict[str, Any]:
    """A config that trains on ``write_digits(root)`` in about a second per epoch.

    :param overrides: by dotted path with two underscores for a dot (``Global__epochs=3``)
    """
    folder = Path(root)
    class_num = len((folder / "label_list.txt").read_text(encoding="utf-8").splitlines())
    crop = {"RandCropImage": {"size": 28, "scale": [0.7, 1.0]}}
    config = {
        "Global": {"checkpoints": None, "pretrained_model": None, "output_dir": output_dir,
                   "device": "cpu", "seed": 7, "save_interval": 1, "eval_during_train": True,
                   "eval_interval": 1, "epochs": 2, "print_batch_step": 10, "use_visualdl": False,
                   "image_shape": [3, 28, 28],
                   "save_inference_dir": str(Path(output_dir, "inference"))},
        "Arch": {"name": "MobileNetV3_small_x0_35", "class_num": class_num},
        "Loss": {"Train": [{"CELoss": {"weight": 1.0}}], "Eval": [{"CELoss": {"weight": 1.0}}]},
        "Optimizer": {"name": "Momentum", "momentum": 0.9,
                      "lr": {"name": "Cosine", "learning_rate": 0.05, "warmup_epoch": 0},
                      "regularizer": {"name": "L2", "coeff": 0.0001}},
        "DataLoader": {"Train": _loader(folder, "train", [DECODE, crop, NORMALIZE], shuffle=True),
                       "Eval": _loader(folder, "val", [DECODE, NORMALIZE], shuffle=False)},
        "Infer": {"infer_imgs": str(folder / "images"), "batch_size": 8,
                  "transforms": [DECODE, {"ResizeImage": {"size": 28}}, NORMALIZE,
                                 {"ToCHWImage": None}],
                  "PostProcess": {"name": "Topk", "topk": 2,
                                  "class_id_map_file": str(folder / "label_list.txt")}},
        "Metric": {"Train": [{"TopkAcc": {"topk": [1]}}], "Eval": [{"TopkAcc": {"topk": [1, 2]}}]}}
    config = dotpath.clone(config)
    for path, value in overrides.items():
        dotpath.set_(config, path.replace("__", "."), value, create=True)
    return config


def _loader(root: Path, split: str, transforms: list[Any], *, shuffle: bool) -> dict[str, Any]:
    return {
        "dataset": {"name": "ImageNetDataset", "image_root": str(root),
                    "cls_label_path": str(root / f"{split}_list.txt"), "transform_ops": transforms},
        "sampler": {"name": "DistributedBatchSampler", "batch_size": 8, "drop_last": False,
                    "shuffle": shuffle}, "loader": {"num_workers": 0, "use_shared_memory": False}}
