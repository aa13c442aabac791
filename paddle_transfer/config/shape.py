"""The shape of a PaddleClas config: which sections are mappings, lists of named parts, numbers.

Every reader of a config relies on it; what is not there, or null, has no shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.base import FURTHER
from paddle_transfer.errors import ConfigError, ValidationIssue, show


@dataclass(frozen=True)
class Shape:
    """What a value must be.

    :param rule: in words: ``a mapping``
    """

    rule: str
    fits: Callable[[Any], bool]
    hint: str = ""


def _is_whole(value: object, least: int = 0) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_part(value: object) -> bool:
    return isinstance(value, dict) and len(value) == 1 and all(
        isinstance(name, str) and name.isidentifier()
        and (arguments is None or isinstance(arguments, dict)) for name, arguments in value.items())


MAPPING = Shape("a mapping", lambda value: isinstance(value, dict), "Write 'key: value' lines.")
PARTS = Shape("a list of one name each with its arguments", lambda value: (
    isinstance(value, list) and all(map(_is_part, value))),
    "Write one a line, such as '- TopkAcc: {topk: [1, 5]}'.")
TEXT = Shape("a text, without a NUL character",
             lambda value: isinstance(value, str) and "\0" not in value)
POSITIVE = Shape("a whole number, 1 or more", lambda value: _is_whole(value, 1))
COUNT = Shape("a whole number, 0 or more", _is_whole)
RANKS = Shape("whole numbers, 1 or more", lambda value: bool(value) and all(
    _is_whole(k, 1) for k in (value if isinstance(value, list) else [value])),
    "For example topk: [1, 5].")
#: PaddleClas evaluates these texts as Python.
_FORMULA = re.compile(r"[0-9.eE+\-*/() ]{1,60}")
FORMULA = Shape("a number, or a text of numbers with + - * / and brackets", lambda value: (
    isinstance(value, (int, float)) or (isinstance(value, str) and "**" not in value
                                        and _FORMULA.fullmatch(value) is not None)),
    "For example scale: 1.0/255.0.")
OPERATORS = Shape("a mapping of operators' names to their arguments", lambda value: (
    isinstance(value, dict) and all(isinstance(name, str) and name.isidentifier()
                                    for name in value)))
OPTIMIZER = Shape("a mapping, or a list of one name each with its arguments",
                  lambda value: MAPPING.fits(value) or PARTS.fits(value))

_DATASET = "DataLoader.*.dataset"
_OPERATORS = (f"{_DATASET}.transform_ops", "Infer.transforms")

#: Dotted path (``*``: any key or index) -> what stands there.
SHAPES = {
    **dict.fromkeys((
        "Global", "AMP", "Arch", "Arch.Backbone", "Arch.Neck", "Arch.Head", "EMA", "Slim",
        "MLDecoder", "Loss", "Optimizer.lr", "Optimizer.regularizer", "DataLoader",
        *(f"DataLoader.{part}" for part in ("Train", "Eval", "Test", *FURTHER)), _DATASET,
        "DataLoader.*.sampler", "DataLoader.*.loader", "Metric", "Infer", "Infer.PostProcess",
        ), MAPPING),
    **dict.fromkeys((
        "Arch.models", "Loss.*", "Metric.*", f"{_DATASET}.transform_ops",
        f"{_DATASET}.batch_transform_ops", "Infer.transforms"), PARTS),
    **dict.fromkeys((
        "Arch.name", "Optimizer.name", "Optimizer.lr.name", "Infer.PostProcess.name",
        "Infer.PostProcess.class_id_map_file", f"{_DATASET}.name", f"{_DATASET}.image_root",
        f"{_DATASET}.cls_label_path", f"{_DATASET}.delimiter"), TEXT),
    "Optimizer": OPTIMIZER,
    "Transfer": Shape("a mapping", MAPPING.fits, "For example Transfer: {pretrained: 10w}."),
    **{f"{place}.*.{operator}.{key}": FORMULA for place in _OPERATORS
       for operator, keys in (("NormalizeImage", ("scale",)),
                              ("RandomErasing", ("EPSILON", "sl", "sh", "r1"))) for key in keys},
    f"{_DATASET}.batch_transform_ops.*.OpSampler": OPERATORS,
    **{f"{place}.*.RandomApply.transforms": PARTS for place in _OPERATORS},
    "Metric.*.*.*.topk": RANKS,
    "Infer.PostProcess.topk": RANKS,
    "DataLoader.*.sampler.batch_size": POSITIVE,
    "DataLoader.*.loader.num_workers": COUNT,
}


@dataclass
class _Node:
    """The shape at some place, if it has one, and what is known of the places below it."""

    shape: Shape | None = None
    below: dict[str, _Node] = field(default_factory=dict)


def _tree() -> _Node:
    root = _Node()
    for path, shape in SHAPES.items():
        node = root
        for part in path.split("."):
            node = node.below.setdefault(part, _Node())
        node.shape = shape
    return root


_ROOT = _tree()


def check_shape(config: dict[str, Any]) -> list[ValidationIssue]:
    """Every value of ``config`` that has another shape; what lies below it is not looked at."""
    issues: list[ValidationIssue] = []
    _check(config, [_ROOT], "", issues)
    return issues


def _check(value: object, nodes: list[_Node], where: str, issues: list[ValidationIssue]) -> None:
    for node in nodes:
        if node.shape is not None and value is not None and not node.shape.fits(value):
            issues.append(ValidationIssue(where, f"must be {node.shape.rule}", show(value),
                                          node.shape.hint))
            return
    items = (value.items() if isinstance(value, dict) else
             enumerate(value) if isinstance(value, list) else ())
    for key, one in items:
        below = [node.below[part] for node in nodes for part in (str(key), "*")
                 if part in node.below]
        if below:
            _check(one, below, f"{where}.{key}" if where else str(key), issues)


def require_shape(config: dict[str, Any], file: str, needed: Sequence[str] = ()) -> None:
    """Raise ConfigError with everything that ``check_shape`` finds, for a search file in the place
    of a training config, and for sections that are ``needed`` and not there (dotted paths)."""
    if "search_dict" in config or "base_config_file" in config:
        raise ConfigError(file, [ValidationIssue(
            "", "is a search file, but a training config is wanted here", "",
            "Search with paddle-transfer search, or name its base_config_file.")])
    issues = check_shape(config)
    issues += [ValidationIssue(path, "is needed", "nothing there", "See any training config of "
                               "PaddleClas.") for path in needed if not dotpath.find(config, path)]
    if issues:
        raise ConfigError(file, issues)
