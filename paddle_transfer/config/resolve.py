"""What a PaddleClas training config sets, each setting resolved in one place.

The checks, the search file's settings, the worker and what is handed back all ask here, so that
none of them reads a setting otherwise than PaddleClas 2.4 to develop do. (The pretrained weights:
``pretrained.wanted_weights``.) No function changes its argument; what a config does not say, or
says in a form that PaddleClas does not take, is None.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.base import (
    GLOBAL_DEFAULTS,
    MEAN_PER_CLASS,
    METRIC_NAMES,
    TOPK_METRICS,
    components,
    list_at,
)

#: Outputs of PaddleClas's networks when nothing names the classes: those of ImageNet.
DEFAULT_CLASSES = 1000

#: Heads without classes of their own.
_HEADLESS = ("IdentityHead",)

#: Metrics of a classification with a ``topk``; k beyond the classes is no accuracy.
TOPK_ACCURACY = ("TopkAcc", "GoogLeNetTopkAcc", "DistillationTopkAcc")

#: What ``Global.device`` may be in PaddleClas 2.4 to develop. A search uses the first two.
DEVICES = ("cpu", "gpu", "xpu", "npu", "mlu", "ascend", "intel_gpu", "mps")

EVAL_OPS = "DataLoader.Eval.dataset.transform_ops"

#: Image operators whose ``size`` is that of the image that they make, and whether a list there is
#: (width, height), as in PaddleClas's own, or (height, width), as in paddle.vision's.
SIZED = {"RandCropImage": True, "RandCropImageV2": True, "RandomCropImage": True,
         "CropImage": True, "CropImageAtRatio": True, "ResizeImage": True,
         "RandomResizedCrop": False, "CropWithPadding": False, "CenterCrop": False, "Resize": False}


def class_num(config: dict[str, Any]) -> int | None:
    """The outputs of the network, as the config names them."""
    return whole(dotpath.find(config, class_num_path(config)))


def outputs(config: dict[str, Any]) -> int | None:
    """The outputs of the network that is built: ``class_num``, or PaddleClas's default where
    nothing names them. None for a network without classes, or that cannot be built."""
    path = class_num_path(config)
    if dotpath.exists(config, path):
        return class_num(config)
    has_default = path.rpartition(".")[0] == "Arch" or ".models." in path
    return DEFAULT_CLASSES if has_default and ".Head." not in path else None


def class_num_path(config: dict[str, Any]) -> str:
    """Where the config names the classes, or has to.

    A network with a ``Head`` takes the head's, whatever ``Arch`` says; of the several networks of a
    distillation the student's count. ``Global.class_num`` is put into ``Arch`` by the engine where
    that has none, and so reaches a plain network only.
    """
    path = evaluated_network(config)
    arch = dotpath.find(config, path)
    arch = arch if isinstance(arch, dict) else {}
    if "Head" in arch or "Backbone" in arch:
        return f"{path}.Head.class_num"
    if "class_num" not in arch and "num_classes" in arch:
        return f"{path}.num_classes"  # WideResNet's
    plain = path == "Arch" and "class_num" not in arch
    return "Global.class_num" if plain and "class_num" in section(config, "Global") else (
        f"{path}.class_num")


def with_class_num(config: dict[str, Any]) -> dict[str, Any]:
    """A copy whose ``Arch`` has what the engine puts there of ``Global.class_num``; not deep."""
    arch, common = section(config, "Arch"), section(config, "Global")
    if "class_num" not in common or not arch:
        return dict(config)
    return {**config, "Arch": {"class_num": common["class_num"], **arch},
            "Global": {key: value for key, value in common.items() if key != "class_num"}}


def networks(config: dict[str, Any]) -> list[str]:
    """The dotted paths of the networks of a distillation; empty for a single network."""
    return [f"Arch.models.{i}.{key}" for i, model in enumerate(list_at(config, "Arch.models"))
            if isinstance(model, dict) for key in model]


def trained_networks(config: dict[str, Any], path: str = "Arch") -> list[str]:
    """The dotted paths of the networks in ``path`` that see images and are trained: of a
    distillation those whose parameters are not frozen; of a chain (AttentionModel) the first."""
    models = list_at(config, f"{path}.models")
    if not models:
        return [path]
    frozen = list_at(config, f"{path}.freeze_params_list")
    chain = dotpath.find(config, f"{path}.name") == "AttentionModel"
    return [place for i, model in enumerate(models[:1] if chain else models)
            if isinstance(model, dict) and not any(frozen[i:i + 1]) for key in model
            for place in trained_networks(config, f"{path}.models.{i}.{key}")]


def evaluated_network(config: dict[str, Any]) -> str:
    """The dotted path of the network that is evaluated: ``Arch``, or the student in a distillation.
    """
    places = {place.rpartition(".")[2]: place for place in networks(config)}
    if not places:
        return "Arch"
    wanted = ["Student", *(arguments.get("model_key")
                           for _, arguments in components(config, "Metric.Eval")),
              section(config, "Arch").get("infer_model_name")]
    place = next((places[name] for name in wanted if name in places), list(places.values())[-1])
    # an AttentionModel is a chain, which begins with the classifier
    inner = next(iter(list_at(config, f"{place}.models")), None)
    return f"{place}.models.0.{next(iter(inner))}" if isinstance(inner, dict) and inner else place


def mixed_classes(config: dict[str, Any]) -> int | None:
    """The width of the labels that ``batch_transform_ops`` make. Only ``Arch.class_num`` and
    ``Global.class_num`` reach them, also for a network with a head of its own."""
    arch, common = section(config, "Arch"), section(config, "Global")
    return whole(arch.get("class_num") if "class_num" in arch else common.get("class_num"))


def is_multilabel(config: dict[str, Any]) -> bool:
    """Whether an image may have several labels."""
    return bool(section(config, "Global").get("use_multilabel"))


def topk(config: dict[str, Any]) -> Iterator[tuple[str, str, list[Any]]]:
    """(dotted path, metric, values of k) of every metric with a top-k accuracy."""
    for part in ("Train", "Eval"):
        for i, item in enumerate(list_at(config, f"Metric.{part}")):
            for metric, arguments in item.items() if isinstance(item, dict) else ():
                if metric in TOPK_ACCURACY:
                    given = (arguments if isinstance(arguments, dict) else {}).get("topk", [1, 5])
                    yield (f"Metric.{part}.{i}.{metric}.topk", metric,
                           given if isinstance(given, list) else [given])


def metric(config: dict[str, Any]) -> str | None:
    """The metric by which PaddleClas chooses the best epoch: the first of ``Metric.Eval``."""
    first = components(config, "Metric.Eval")[:1]
    names = reported(*first[0], class_num(config)) if first else None
    return names[0] if names else None


def metric_names(config: dict[str, Any]) -> tuple[list[str], bool]:
    """The names that ``Metric.Eval`` reports, in its order, and whether these are all.

    A metric class that is not known may report any name. Left out are top-k names beyond the
    number of classes and metrics that are better when lower. ``mean_per_class`` comes last, for a
    single-label classification.
    """
    classes = class_num(config)
    found = [reported(name, arguments, classes)
             for name, arguments in components(config, "Metric.Eval")]
    names = [name for one in found for name in one or ()]
    if _is_single_label(config):
        names.append(MEAN_PER_CLASS)
    return list(dict.fromkeys(names)), None not in found


def reported(name: str, arguments: dict[str, Any], classes: int | None) -> list[str] | None:
    """The names that a metric reports; None for one that is not known."""
    if name not in TOPK_METRICS:
        return list(METRIC_NAMES[name]) if name in METRIC_NAMES else None
    given = arguments.get("topk", [1, 5])
    limit = classes if name in TOPK_ACCURACY else None
    return [TOPK_METRICS[name].format(k) for k in (given if isinstance(given, list) else [given])
            if not limit or not isinstance(k, int) or k <= limit]


def _is_single_label(config: dict[str, Any]) -> bool:
    """Whether each image has one label, and this package's own loop evaluates it."""
    accuracy = any(name in TOPK_ACCURACY for name, _ in components(config, "Metric.Eval"))
    mode = section(config, "Global").get("eval_mode", "classification")
    return accuracy and mode == "classification" and not is_multilabel(config)


def seed(config: dict[str, Any]) -> int | None:
    """``Global.seed``."""
    value = section(config, "Global").get("seed")
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def device(config: dict[str, Any]) -> str:
    """The kind of device: ``gpu`` for ``gpu:0`` too."""
    value = section(config, "Global").get("device", GLOBAL_DEFAULTS["device"])
    return str(value).partition(":")[0].strip().lower()


def image_size(config: dict[str, Any], path: str = EVAL_OPS) -> tuple[int, int] | None:
    """(width, height) in pixels of the images that the operators at ``path`` make; None if they set
    no size."""
    found = None
    for operator, arguments in components(config, path):
        if operator in SIZED and ("size" in arguments or "resize_short" in arguments):
            found = made_size(operator, arguments)
    return found


def made_size(operator: str, arguments: dict[str, Any]) -> tuple[int, int] | None:
    """(width, height) of what an image operator makes; None if it does not say."""
    if operator not in SIZED or (operator == "ResizeImage" and arguments.get("resize_short")):
        return None  # the short side wins over the size
    return _size(arguments.get("size"), width_first=SIZED[operator])


def image_shape(config: dict[str, Any]) -> list[int] | None:
    """``Global.image_shape``: channels, height, width of the exported network's input."""
    value = section(config, "Global").get("image_shape")
    sides = [whole(side) for side in value] if isinstance(value, list) else []
    found = [side for side in sides if side is not None]
    return found if len(found) == len(sides) == 3 else None


def epochs(config: dict[str, Any]) -> int | None:
    """``Global.epochs``."""
    return whole(section(config, "Global").get("epochs"))


def eval_interval(config: dict[str, Any]) -> int | None:
    """``Global.eval_interval``: every so many epochs are followed by an evaluation."""
    return whole(section(config, "Global").get("eval_interval",
                                                   GLOBAL_DEFAULTS["eval_interval"]))


def evaluated_epochs(config: dict[str, Any]) -> range:
    """The epochs, from 1, after which the network is evaluated."""
    last, step = epochs(config) or 0, eval_interval(config) or 1
    start = section(config, "Global").get("start_eval_epoch", 0)
    start = max(start, 1) if isinstance(start, int) else 1
    return range((start + step - 1) // step * step, last + 1, step)


def section(config: dict[str, Any], name: str) -> dict[str, Any]:
    """The section ``name``; empty where it is missing or no mapping."""
    value = config.get(name)
    return value if isinstance(value, dict) else {}


def whole(value: object) -> int | None:
    """``value`` as a whole number above 0; None for anything else, texts and floats too."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _size(value: object, *, width_first: bool) -> tuple[int, int] | None:
    sides = [int(side) for side in (value if isinstance(value, list) else [value, value])
             if isinstance(side, (int, float)) and side >= 1]
    if len(sides) != 2:
        return None
    return (sides[0], sides[1]) if width_first else (sides[1], sides[0])
