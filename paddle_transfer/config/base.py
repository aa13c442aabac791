"""A PaddleClas config as a trial uses it; ``resolve`` says what it means.

No function here changes its argument.
"""

from __future__ import annotations

from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.files import open_file

#: Keys that PaddleClas's engine reads without a default. ``Global.epochs`` must be given.
GLOBAL_DEFAULTS: dict[str, Any] = {
    "checkpoints": None, "pretrained_model": None, "output_dir": "./output/", "device": "cpu",
    "save_interval": 1, "eval_during_train": True, "eval_interval": 1, "print_batch_step": 10,
    "use_visualdl": False, "image_shape": [3, 224, 224], "save_inference_dir": "./inference",
}

#: Sections of ``DataLoader`` that a strategy may read beside ``Train``: labelled images from
#: elsewhere, images without labels.
FURTHER = ("Source", "Unlabeled")

#: May differ between two machines in one search (the search sets the seed itself).
MACHINE_DEPENDENT = (
    "Global.output_dir", "Global.device", "Global.print_batch_step", "Global.save_interval",
    "Global.use_visualdl", "Global.save_inference_dir", "Global.seed",
    *(f"DataLoader.{part}.loader.{key}" for part in ("Train", "Eval", *FURTHER)
      for key in ("num_workers", "use_shared_memory")),
    "Infer",
)

#: Metrics that are better when lower. A search maximizes, so it cannot use them.
LOWER_IS_BETTER = ("HammingDistance",)

#: Mean accuracy of the classes. This package's evaluation of a single-label classification
#: measures it beside ``Metric.Eval``.
MEAN_PER_CLASS = "mean_per_class"

#: PaddleClas's metric -> the names under which it reports (see TOPK_METRICS for others).
METRIC_NAMES = {
    **{name: (name,) for name in ("mAP", "mINP", "AccuracyScore", "MultiLabelMAP",
                                  "MultilabelMeanAccuracy", "TprAtFpr")},
    **dict.fromkeys(LOWER_IS_BETTER, ()),
    "ATTRMetric": ("ma", "label_f1", "label_pos_recall", "label_neg_recall", "instance_f1",
                   "instance_acc", "instance_prec", "instance_recall"),
}
TOPK_METRICS = {"TopkAcc": "top{}", "GoogLeNetTopkAcc": "top{}", "DistillationTopkAcc": "top{}",
                "Recallk": "recall{}", "Precisionk": "precision@{}"}


def complete(config: dict[str, Any]) -> dict[str, Any]:
    """A copy with the keys filled in that the engine reads without a default."""
    completed: dict[str, Any] = dotpath.clone(config)
    completed["Global"] = {**dotpath.clone(GLOBAL_DEFAULTS), **(completed.get("Global") or {})}
    for mode in (completed.get("DataLoader") or {}).values():
        if isinstance(mode, dict) and isinstance(mode.get("loader"), dict):
            mode["loader"].setdefault("num_workers", 0)
            mode["loader"].setdefault("use_shared_memory", True)
    return completed


def comparable(config: dict[str, Any]) -> dict[str, Any]:
    """A copy without machine dependent keys: configs that compare equal train the same."""
    config = complete(config)
    for path in MACHINE_DEPENDENT:
        if dotpath.exists(config, path):
            dotpath.delete(config, path)
    return config


def eval_size(config: dict[str, Any]) -> int | None:
    """The number of evaluation images; see ``list_size``."""
    return list_size(config, "Eval")


def list_size(config: dict[str, Any], part: str) -> int | None:
    """The number of images of ``DataLoader.<part>``: lines of its list. None if there is no list,
    or it cannot be read."""
    file = dotpath.find(config, f"DataLoader.{part}.dataset.cls_label_path")
    if not isinstance(file, str):
        return None
    try:
        with open_file(file) as stream:
            return sum(bool(line.strip()) for line in stream) or None
    except OSError:
        return None


def list_at(config: dict[str, Any], path: str) -> list[Any]:
    """The list at ``path``, or an empty list that is not part of the config."""
    items = dotpath.find(config, path)
    return items if isinstance(items, list) else []


def components(config: dict[str, Any], path: str) -> list[tuple[str, dict[str, Any]]]:
    """The (name, arguments) of a list of one-key mappings such as ``Loss.Train``; empty if it is
    missing. Null arguments come as an empty dict that is not part of the config."""
    return [(name, arguments if isinstance(arguments, dict) else {})
            for item in list_at(config, path) if isinstance(item, dict)
            for name, arguments in item.items()]
