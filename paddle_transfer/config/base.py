"""A PaddleClas config as a trial uses it: completed, and made one trial's own. Nothing here changes its argument."""

from __future__ import annotations

from typing import Any

from paddle_transfer import dotpath

#: What PaddleClas's engine reads without asking whether it is there. ``Global.epochs`` has no default.
GLOBAL_DEFAULTS: dict[str, Any] = {
    "checkpoints": None,
    "pretrained_model": None,
    "output_dir": "./output/",
    "device": "cpu",
    "save_interval": 1,
    "eval_during_train": True,
    "eval_interval": 1,
    "print_batch_step": 10,
    "use_visualdl": False,
    "image_shape": [3, 224, 224],
    "save_inference_dir": "./inference",
}

#: What may differ between two machines without the search being another one (the seed is the search's own).
MACHINE_DEPENDENT = (
    "Global.output_dir",
    "Global.device",
    "Global.print_batch_step",
    "Global.save_interval",
    "Global.use_visualdl",
    "Global.save_inference_dir",
    "Global.seed",
    "DataLoader.Train.loader.num_workers",
    "DataLoader.Eval.loader.num_workers",
    "DataLoader.Train.loader.use_shared_memory",
    "DataLoader.Eval.loader.use_shared_memory",
    "Infer",
)

#: Metrics that shrink as the model gets better; a search maximises, so they are not for it.
LOWER_IS_BETTER = ("HammingDistance",)

#: Mean per class accuracy, which our own evaluation of a single-label classification measures beside ``Metric.Eval``.
MEAN_PER_CLASS = "mean_per_class"

#: The names under which PaddleClas's metrics report (``TopkAcc`` and its kin by their ``topk``).
METRIC_NAMES = {
    **{
        name: (name, ) for name in ("mAP", "mINP", "AccuracyScore", "MultiLabelMAP", "MultilabelMeanAccuracy", "TprAtFpr")
    },
    **dict.fromkeys(LOWER_IS_BETTER, ()),
    "ATTRMetric": ("ma", "label_f1", "label_pos_recall", "label_neg_recall", "instance_f1",
                   "instance_acc", "instance_prec", "instance_recall"),
}
TOPK_METRICS = {"TopkAcc": "top{}", "GoogLeNetTopkAcc": "top{}", "DistillationTopkAcc": "top{}",
                "Recallk": "recall{}", "Precisionk": "precision@{}"}


def complete(config: dict) -> dict:
    """A copy with the ``Global`` keys that the engine insists on (and ``use_shared_memory``) filled in."""
    config = dotpath.clone(config)
    config["Global"] = {**dotpath.clone(GLOBAL_DEFAULTS), **(config.get("Global") or {})}
    for mode in (config.get("DataLoader") or {}).values():
        if isinstance(mode, dict) and isinstance(mode.get("loader"), dict):
            mode["loader"].setdefault("num_workers", 0)
            mode["loader"].setdefault("use_shared_memory", True)
    return config


def for_trial(config: dict, *, output_dir: str, seed: int, device: str) -> dict:
    """A complete copy for one training.

    :param device: ``cpu`` or ``gpu`` (a slot such as ``gpu:3`` is cut to its kind: the worker sees one GPU only)
    """
    config = complete(config)
    config["Global"].update(output_dir=output_dir, seed=seed, device=device.partition(":")[0])
    return config


def comparable(config: dict) -> dict:
    """A copy without what may differ between machines: two configs that compare equal train the same."""
    config = complete(config)
    for path in MACHINE_DEPENDENT:
        if dotpath.exists(config, path):
            dotpath.delete(config, path)
    return config


def class_num(config: dict) -> int | None:
    """How many classes the model tells apart; None where the config does not say."""
    for path in ("Arch.class_num", "Arch.Head.class_num", "Global.class_num"):
        if dotpath.exists(config, path):
            value = dotpath.get(config, path)
            return value if isinstance(value, int) and not isinstance(value, bool) else None
    return None


def eval_size(config: dict) -> int | None:
    """How many images the metric is measured on: the lines of the list of ``DataLoader.Eval``. None when it has none,
    or the list cannot be read."""
    path = "DataLoader.Eval.dataset.cls_label_path"
    file = dotpath.get(config, path) if dotpath.exists(config, path) else None
    if not isinstance(file, str):
        return None
    try:
        with open(file, "rb") as stream:
            return sum(bool(line.strip()) for line in stream) or None
    except OSError:
        return None


def metric_names(config: dict) -> tuple[list[str], bool]:
    """The names that ``Metric.Eval`` reports, in its order, and whether these are all (a metric class that is
    not known may report anything). Top-k names beyond the number of classes are left out, and what is better
    when it is lower. Behind them, for a single-label classification, ``mean_per_class``."""
    names, closed, classes = [], True, class_num(config)
    for metric, arguments in components(config, "Metric.Eval"):
        if metric in TOPK_METRICS:
            topk = arguments.get("topk", [1, 5])
            topk = topk if isinstance(topk, list) else [topk]
            names += [
                TOPK_METRICS[metric].format(k)
                for k in topk
                if metric in ("Recallk",
                              "Precisionk") or not classes or not isinstance(k, int) or k <= classes
            ]
        elif metric in METRIC_NAMES:
            names += METRIC_NAMES[metric]
        else:
            closed = False
    if _single_label(config):
        names.append(MEAN_PER_CLASS)
    return list(dict.fromkeys(names)), closed


def _single_label(config: dict) -> bool:
    """Whether each image is known to have one label, and is evaluated by our own loop."""
    settings = config.get("Global") or {}
    accuracy = any(name.endswith("TopkAcc") for name, _ in components(config, "Metric.Eval"))
    return accuracy and settings.get("eval_mode", "classification") == "classification" and not (
        settings.get("use_multilabel"))


def components(config: dict, path: str) -> list[tuple[str, dict]]:
    """The (name, arguments) of a list of one-key mappings such as ``Loss.Train``; [] when it is not there.

    Arguments that are not written (null) come as an empty dict that is not part of the config.
    """
    items = dotpath.get(config, path) if dotpath.exists(config, path) else None
    if not isinstance(items, list):
        return []
    pairs = (pair for item in items if isinstance(item, dict) for pair in item.items())
    return [(name, arguments if isinstance(arguments, dict) else {}) for name, arguments in pairs]
