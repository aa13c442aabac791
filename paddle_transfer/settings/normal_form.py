"""A form of training configs in which those that train the same are the same.

Each step removes one way to write a thing differently. What has the same effect by PaddleClas's
arithmetic counts as the same, also where another random number is drawn on the way.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config import pretrained, resolve
from paddle_transfer.config.base import FURTHER, comparable, components, list_at
from paddle_transfer.errors import ConfigError
from paddle_transfer.rules.batches import BATCH_OPS, SAMPLER
from paddle_transfer.rules.lists import content, list_lines
from paddle_transfer.settings.ignored import delete_ignored
from paddle_transfer.settings.normal_schedule import cut_schedules, full_warmup
from paddle_transfer.space import optimizers, transforms
from paddle_transfer.space.hyperparameter import is_number
from paddle_transfer.strategies.gradual import GradualOptions, trained_stages
from paddle_transfer.strategies.section import apply_strategy, read_strategy
from paddle_transfer.strategies.untrained import drop_training

Config = dict[str, Any]

#: Operators and their argument that is how often, how many or how much: 0 is never.
_NEVER = {"RandomErasing": "EPSILON", "RandomHorizontalFlip": "prob", "RandomRotation": "prob",
          "TimmAutoAugment": "prob", "AugMix": "prob", "ColorJitter": "prob",
          "RandomGrayscale": "p", "RandAugment": "num_layers", "Cutout": "n_holes"}

#: Losses with label smoothing by ``epsilon``.
_SMOOTHED = ("CELoss", "DistillationCELoss", "DistillationGTCELoss")


#: Texts that PaddleClas reads as something else.
_LITERAL = re.compile(r"[-+]?[0-9._]{1,30}(?:[eE][-+]?[0-9]{1,4})?|None|True|False")


@dataclass(frozen=True)
class Step:
    """A step towards the normal form.

    :param edit: in place
    :param why: two configs become the same by it
    """

    why: str
    edit: Callable[[Config], None]


def normal_form(config: Config) -> Config:
    """``config`` in its normal form: a copy, for comparison only."""
    made = comparable(config)
    for step in STEPS:
        step.edit(made)
    return made


def why_the_same(first: Config, second: Config) -> str:
    """Why two configs with one normal form train the same; empty if they are the same anyway."""
    one, other = comparable(first), comparable(second)
    if dotpath.same(one, other):
        return ""
    for step in STEPS:
        step.edit(one)
        step.edit(other)
        if dotpath.same(one, other):
            return step.why
    return ""


def _read_texts(config: Config) -> None:
    """PaddleClas reads the texts of mappings as Python's literals where they are some."""
    for key, value in config.items():
        if isinstance(value, dict):
            _read_texts(value)
        elif isinstance(value, list):
            for one in value:
                if isinstance(one, dict):
                    _read_texts(one)
            config[key] = _number(value)
        else:
            config[key] = _number(_literal(value))


def _literal(value: object) -> object:
    if not isinstance(value, str) or not _LITERAL.fullmatch(value):
        return value
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value


def _number(value: Any) -> Any:
    whole = isinstance(value, float) and value.is_integer()
    return int(value) if whole else list(map(_number, value)) if isinstance(value, list) else value


def _one_class_count(config: Config) -> None:
    config.update(resolve.with_class_num(config))


def _one_strategy(config: Config) -> None:
    if "strategy" not in resolve.section(config, "Transfer"):
        return
    try:
        chosen, made = read_strategy(config), apply_strategy(config)
    except ConfigError:
        return  # it is refused elsewhere
    config.clear()
    config.update(made)
    epochs = resolve.epochs(config)
    if chosen.strategy.worker:
        options = chosen.strategy.effective(chosen.options)
        if chosen.name == "gradual" and epochs and options["head_epochs"] >= epochs:
            chosen, options = read_strategy({"Transfer": {"strategy": "head"}}), {}
        elif isinstance(chosen.options, GradualOptions) and epochs:
            options = {"trained": [trained_stages(chosen.options, epoch)
                                   for epoch in range(1, epochs + 1)]}
        config["Transfer"].pop("note", None)
        config["Transfer"]["strategy"] = {"name": chosen.name, **options}
        if chosen.name == "discriminative" and not options:
            del config["Transfer"]["strategy"]  # as full
            if not config["Transfer"]:
                del config["Transfer"]
    if not chosen.strategy.trains_backbone:
        resolve.section(config, "Arch").pop("lr_mult_list", None)
        resolve.section(config, "FineTune").pop("backbone_lr_mult", None)


def _no_training(config: Config) -> None:
    with suppress(ConfigError):  # it is refused elsewhere
        drop_training(config)


def _one_name_of_weights(config: Config) -> None:
    if pretrained.loaded_by_paddleclas(config):
        return
    asking = {name: config.pop(name, None) or {} for name in (
        "Global", "Arch", "Transfer")}
    wanted, bare = pretrained.wanted_weights(asking), pretrained.with_file(asking, None)
    bare["Arch"].pop("pretrained", None)
    bare["Global"].pop("pretrained_model", None)
    config.update(bare, weights=[_file(wanted.spec), wanted.head,
                                  *wanted.replaced] if wanted else None)


def _file(spec: str) -> str:
    """One spelling of a file with weights; names and addresses as they are."""
    if spec in pretrained.NAMES or "://" in spec:
        return spec
    return os.path.realpath(os.path.expanduser(spec)).removesuffix(pretrained.SUFFIX)


def _evaluated_epochs(config: Config) -> None:
    common, epochs = resolve.section(config, "Global"), resolve.evaluated_epochs(config)
    for key in ("eval_interval", "start_eval_epoch"):
        common.pop(key, None)
    common["evaluated"] = [*epochs[:1], *epochs[-1:], len(epochs)]


def _weight_decay(config: Config) -> None:
    for name, arguments in optimizers.optimizers(config):
        regularizer = arguments.get("regularizer")
        if name in optimizers.DECOUPLED:
            continue
        if isinstance(regularizer, dict):  # by which it wins over weight_decay
            arguments.pop("weight_decay", None)
            if regularizer.get("coeff", 0) == 0:
                del arguments["regularizer"]
        else:
            arguments.pop("regularizer", None)
            decay = arguments.pop("weight_decay", None)
            if is_number(decay) and decay:
                arguments["regularizer"] = {"name": "L2", "coeff": decay}
            elif decay:
                arguments["weight_decay"] = decay


def _losses(config: Config) -> None:
    losses = list_at(config, "Loss.Train")
    for item in losses:
        for name, arguments in item.items() if isinstance(item, dict) else ():
            if not isinstance(arguments, dict):
                continue
            epsilon = arguments.get("epsilon")
            if name in _SMOOTHED and (epsilon is None or (
                    is_number(epsilon) and not 0 < epsilon < 1)):
                arguments.pop("epsilon", None)
            if len(losses) > 1 and arguments.get("weight") == 0:
                item[name] = {"weight": 0}


def _operators(config: Config) -> None:
    for path in (transforms.TRAIN_OPS, transforms.EVAL_OPS):
        operators = list_at(config, path)
        size: tuple[int, int] | None = None
        kept = []
        for item in operators:
            name, arguments = next(iter(item.items())) if isinstance(item, dict) and item else (
                "", None)
            arguments = arguments if isinstance(arguments, dict) else {}
            if _NEVER.get(name) in arguments and arguments[_NEVER[name]] == 0:
                continue
            made = resolve.made_size(name, arguments)
            if name in ("CropImage", "CenterCrop", "ResizeImage") and size is not None and (
                    made == size or _is_short_side(arguments, size)):
                continue
            size = made if name in resolve.SIZED else size
            kept.append(item)
        operators[:] = kept


def _is_short_side(arguments: dict[str, Any], size: tuple[int, int]) -> bool:
    """Whether a resize by the short side leaves an image of ``size`` as it is."""
    return arguments.get("resize_short") == min(size)


def _batch_operators(config: Config) -> None:
    operators = list_at(config, BATCH_OPS)
    for _, drawn in components(config, BATCH_OPS):
        for name in [name for name, arguments in drawn.items() if isinstance(arguments, dict)
                     and arguments.get("prob", 0) == 0]:
            if len(drawn) > 1:
                del drawn[name]
    if not operators and dotpath.exists(config, BATCH_OPS):
        dotpath.delete(config, BATCH_OPS)


def _batch_size(config: Config) -> None:
    sampler, lines = dotpath.find(config, SAMPLER), list_lines(config, "Train")
    if not isinstance(sampler, dict) or lines is None:
        return
    size, plain = sampler.get("batch_size"), (None, "DistributedBatchSampler", "BatchSampler")
    if isinstance(size, int) and sampler.get("name") in plain and size >= lines:
        sampler["batch_size"] = lines if not sampler.get("drop_last") else size


def _lists(config: Config) -> None:
    for part in ("Train", "Eval", *FURTHER):
        dataset, token = dotpath.find(config, f"DataLoader.{part}.dataset"), content(config, part)
        if isinstance(dataset, dict) and token:
            dataset["cls_label_path"] = token


def _switched_off(config: Config) -> None:
    arch = resolve.section(config, "Arch")
    factors = list_at(config, "Arch.lr_mult_list")
    if factors and all(factor == 1 for factor in factors):
        del arch["lr_mult_list"]
    if resolve.section(config, "EMA").get("decay") == 0:
        del config["EMA"]
    if "AMP" in config and not config["AMP"]:
        del config["AMP"]
    own = {key: value for key, value in resolve.section(config, "FineTune").items()
           if (key, value) not in (("dropout", 0), ("backbone_lr_mult", 1)) and key != "note"}
    config.pop("FineTune", None)
    config.update({"FineTune": own} if own else {})


#: In this order.
STEPS = (
    Step("PaddleClas reads both as the same value", _read_texts),
    Step("PaddleClas ignores what is different", delete_ignored),
    Step("it is the same class count", _one_class_count),
    Step("it is the same way to transfer", _one_strategy),
    Step("no network is trained, only a classifier on its features", _no_training),
    Step("both begin with the same weights", _one_name_of_weights),
    Step("the same epochs are evaluated", _evaluated_epochs),
    Step("a warmup as long as the training, or longer, is the whole training", full_warmup),
    Step("the schedule is the same up to the last epoch", cut_schedules),
    Step("it is the same decay", _weight_decay),
    Step("it is the same loss", _losses),
    Step("the operators that are different change no image", _operators),
    Step("no batch is changed by what is different", _batch_operators),
    Step("the train list is one batch either way", _batch_size),
    Step("the lists have the same content", _lists),
    Step("it is switched off either way", _switched_off),
)
