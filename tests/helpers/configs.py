"""A small PaddleClas config and search files for tests, on disk with the files they name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from paddle_transfer.config.load import dump_yaml

#: The published space's size and fixed point.
PUBLISHED_FIXED = {"lr": 0.003, "l2_decay": 1e-4, "label_smoothing": False, "mixup": False}


def base_config(folder: Any = ".") -> dict:
    """A whole config for five classes at 32 px whose images and lists lie in ``folder``."""
    def loader(part: str) -> dict:
        return {"dataset": {"name": "ImageNetDataset", "image_root": str(folder),
                            "cls_label_path": str(Path(folder) / f"{part}_list.txt"),
                            "transform_ops": [
                                {"DecodeImage": {"to_rgb": True, "channel_first": False}},
                                {"RandCropImage": {"size": 32}},
                                {"NormalizeImage": {"scale": "1.0/255.0", "mean": [0.5, 0.5, 0.5],
                                                    "std": [0.5, 0.5, 0.5], "order": ""}}]},
                "sampler": {"name": "DistributedBatchSampler", "batch_size": 8, "drop_last": False,
                            "shuffle": part == "train"},
                "loader": {"num_workers": 0, "use_shared_memory": False}}

    return {"Global": {"checkpoints": None, "pretrained_model": None, "output_dir": "./output/",
                       "device": "cpu", "save_interval": 1, "eval_during_train": True,
                       "eval_interval": 1, "epochs": 3, "print_batch_step": 10,
                       "use_visualdl": False, "image_shape": [3, 32, 32]},
            "Arch": {"name": "ResNet18_vd", "class_num": 5},
            "Loss": {"Train": [{"CELoss": {"weight": 1.0}}], "Eval": [{"CELoss": {"weight": 1.0}}]},
            "Optimizer": {"name": "Momentum", "momentum": 0.9,
                          "lr": {"name": "Cosine", "learning_rate": 0.1, "warmup_epoch": 1},
                          "regularizer": {"name": "L2", "coeff": 1e-5}},
            "DataLoader": {"Train": loader("train"), "Eval": loader("val")},
            "Metric": {"Train": [{"TopkAcc": {"topk": [1, 5]}}],
                       "Eval": [{"TopkAcc": {"topk": [1, 5]}}]}}


def write_search(folder: Path, *, base: dict | None = None, without: tuple[str, ...] = (),
                 **fields: Any) -> str:
    """Write a base config, its (empty) list files and a search file into ``folder``; returns the
    search file.

    :param base: in place of ``base_config(folder)``
    :param without: keys that the search file is to lack
    :param fields: keys of the search file, over those of a grid over the published space
    """
    for part in ("train", "val"):
        (folder / f"{part}_list.txt").touch()
    dump_yaml(base_config(folder) if base is None else base, str(folder / "base.yaml"))
    search = {"base_config_file": str(folder / "base.yaml"), "output_dir": str(folder / "out"),
              "search_mode": "grid", "search_dict": [{"search_key": key}
                                                     for key in PUBLISHED_FIXED], **fields}
    dump_yaml({key: value for key, value in search.items() if key not in without},
              str(folder / "search.yaml"))
    return str(folder / "search.yaml")
