"""Search files of PaddleClas's own form (``ppcls/configs/PULC/*/search.yaml``), small, for
tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.load import dump_yaml

#: Learning rates of PPLCNet's stages: only the last layers learn, or all.
SLOW, FULL = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]


def distillation_config(base: dict, *, teacher: str = "ResNet50_vd") -> dict:
    """The config that distils a ``teacher`` into the model of ``base``, in the form of
    PaddleClas's."""
    config = dotpath.clone(base)
    config.get("Transfer", {}).pop("head", None)  # a new head is for one network
    student = {name: value for name, value in config["Arch"].items() if name != "use_sync_bn"}
    config["Arch"] = {"name": "DistillationModel", "class_num": student["class_num"],
                      "pretrained_list": None, "freeze_params_list": [True, False],
                      "infer_model_name": "Student",
                      "models": [{"Teacher": {"name": teacher, "class_num": student["class_num"]}},
                                 {"Student": student}]}
    config["Loss"]["Train"] = [
        {"DistillationDMLLoss": {"weight": 1.0, "model_name_pairs": [["Student", "Teacher"]]}}]
    config["Metric"]["Train"] = [{"DistillationTopkAcc": {"model_key": "Student", "topk": [1]}}]
    return config


def write_greedy(folder: Path, base: dict, *, distil: dict | None = None,
                 without: tuple[str, ...] = (), **fields: Any) -> str:
    """Write a base config, a distillation config and a search file into ``folder``; returns the
    search file.

    :param distil: in place of ``distillation_config(base)``
    :param without: keys that the search file is to lack
    :param fields: keys of the search file, over those of a search of two keys, two teachers and a
        final run
    """
    dump_yaml(base, str(folder / "base.yaml"))
    dump_yaml(distillation_config(base) if distil is None else distil, str(folder / "distil.yaml"))
    search = {"base_config_file": str(folder / "base.yaml"),
              "distill_config_file": str(folder / "distil.yaml"), "output_dir": str(folder / "out"),
              "search_times": 1, "search_dict": [
                  {"search_key": "lrs", "replace_config": ["Optimizer.lr.learning_rate"],
                   "search_values": [0.05, 0.1]},
                  {"search_key": "lr_mult_list", "replace_config": ["Arch.lr_mult_list"],
                   "search_values": [SLOW, FULL]}],
              "teacher": {"rm_keys": ["Arch.lr_mult_list"],
                          "search_values": ["ResNet101_vd", "ResNet50_vd"]},
              "final_replace": {"Arch.lr_mult_list": "Arch.models.1.Student.lr_mult_list"},
              **fields}
    dump_yaml({key: value for key, value in search.items() if key not in without},
              str(folder / "search.yaml"))
    return str(folder / "search.yaml")
