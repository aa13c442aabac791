"""``Transfer.head`` as a mapping: what a transfer puts in the place of the network's head.

Hidden layers come in the place of the dense layers of VGG and AlexNet, as in the published
comparison on VOC2012; their weights fit into the network's own by zeros (see
``strategies.worker.dense``). Any other network with one classifier becomes PaddleClas's RecModel:
the network with ``hidden`` outputs, tanh, and a new classifier.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, ValidationError

from paddle_transfer import dotpath
from paddle_transfer.config import new_head, pretrained, resolve
from paddle_transfer.config.rules import Filled, one_of, whole
from paddle_transfer.config.validation import Section, ValidationIssues, issues_of
from paddle_transfer.errors import ConfigError, show

NOTE = "only paddle_transfer's train heeds this section; PaddleClas's own trains without it"

INITIALIZERS = ("xavier", "kaiming", "normal", "zeros")

#: Networks that answer with more than one classifier, or whose parts the config names itself.
_OTHER_ENDS = (r"GoogLeNet|\w*distilled\w*|TNT_\w+|AdaFace_\w+|AttentionModel|DistillationModel|"
               "RecModel")

#: Networks that end in a ReLU, so that what they answer is a hidden layer as it is.
_ENDS_IN_RELU = r"SqueezeNet1_[01]"

#: Arguments that a RecModel takes itself; all others of ``Arch`` are the backbone's.
_REC_MODEL = ("name", "class_num", "use_sync_bn", "infer_output_key", "infer_add_softmax")


class NewHead(Section):
    """The keys of the mapping. ``{}`` is a new classifier, as ``fresh`` is."""

    hidden: Annotated[tuple[Annotated[int, whole(1)], ...], Filled(list, empty=True)] = Field(
        (), description="outputs of the hidden layers before the classifier")
    dropout: float | None = Field(None, ge=0, lt=1, description="rate of dropout before the "
                                  "classifier, and between the hidden layers of VGG and AlexNet")
    init: Annotated[str, one_of(*INITIALIZERS)] | None = Field(
        None, description="how the weights of the new layers are drawn: xavier (uniform), kaiming "
        "(normal), normal (deviation 0.01) or zeros; biases begin at zero")


def read_new_head(config: dict[str, Any]) -> NewHead | None:
    """``Transfer.head`` of ``config``; None when it is no mapping. Raises ConfigError."""
    if not new_head.is_new(config):
        return None
    try:
        return NewHead.model_validate(config["Transfer"]["head"])
    except ValidationError as error:
        raise ConfigError("the training config", issues_of(error, new_head.WHERE)) from error


def check_new_head(config: dict[str, Any], issues: ValidationIssues) -> None:
    """Add to ``issues`` what is wrong with ``Transfer.head``, and with it on this ``Arch``."""
    try:
        head = read_new_head(config)
    except ConfigError as error:
        issues += error.issues
        return
    if head is None:
        return
    tuned = resolve.section(config, "FineTune")
    if head.dropout is not None and "dropout" in tuned:
        issues.add("FineTune.dropout", f"may not stand beside {new_head.WHERE}.dropout",
                   show(tuned["dropout"]), "Keep one of them.")
    networks = resolve.networks(config)
    if networks:
        issues.add(new_head.WHERE, "is for one network, not for the several of a distillation",
                   ", ".join(networks))
    elif head.hidden:
        _check_hidden(config, list(head.hidden), issues)
    if head.init == "zeros" and head.hidden:
        issues.add(f"{new_head.WHERE}.init", "zeros is not for hidden layers: none of them would "
                   "ever get a gradient", "zeros", "Take xavier or kaiming.")


def _check_hidden(config: dict[str, Any], hidden: list[int], issues: ValidationIssues) -> None:
    where, name = f"{new_head.WHERE}.hidden", str(resolve.section(config, "Arch").get("name"))
    dense = new_head.dense_layers(config)
    if dense is not None:
        if len(hidden) > 2 or max(hidden) > dense.width:
            issues.add(where, f"must be one or two numbers up to {dense.width}: the layers have to "
                       f"fit into {', '.join(dense.names[:2])} of {name}", show(hidden))
    elif _is_made(config, hidden):
        return
    elif pretrained.loaded_by_paddleclas(config):
        issues.add(where, "is not for weights that PaddleClas chooses by a key of its own",
                   ", ".join(key for key in pretrained.OTHER_WEIGHTS if key in config["Arch"]),
                   "Name the file in Transfer.pretrained.")
    elif re.fullmatch(_OTHER_ENDS, name) or "num_classes" in config["Arch"] or (
            "MLDecoder" in config):
        issues.add(where, f"PaddleClas cannot express hidden layers in {name}", show(hidden),
                   f"Take hidden out of {new_head.WHERE}, or choose another Arch.name.")
    elif len(hidden) > 1:
        issues.add(where, f"must be one number: PaddleClas can express one hidden layer in {name}",
                   show(hidden), "VGG and AlexNet take two.")


def edit(config: dict[str, Any], head: NewHead) -> None:
    """Make ``Arch`` a RecModel where that expresses ``head.hidden``; again, it changes nothing.

    :raises ConfigError: it cannot have such a head
    """
    issues = ValidationIssues()
    check_new_head(config, issues)
    if issues:
        raise ConfigError("the training config", issues)
    config["Transfer"]["note"] = NOTE
    if not head.hidden or new_head.dense_layers(config) or _is_made(config, list(head.hidden)):
        return
    wanted = pretrained.wanted_weights(config)
    old = resolve.with_class_num(config)["Arch"]
    classes, hidden = old.get("class_num", resolve.DEFAULT_CLASSES), head.hidden[0]
    backbone = {key: dotpath.clone(value) for key, value in old.items() if key not in (
        *_REC_MODEL, "use_ssld")}
    made = {"name": "RecModel", "class_num": classes, "infer_output_key": "logits",
            "infer_add_softmax": True, **{key: old[key] for key in ("use_sync_bn",) if key in old},
            "Backbone": {"name": old["name"], **backbone, "class_num": hidden, "pretrained": False},
            "Neck": {"name": "Tanh"},
            "Head": {"name": "FC", "embedding_size": hidden, "class_num": classes}}
    if re.fullmatch(_ENDS_IN_RELU, old["name"]):
        del made["Neck"]
    config["Arch"] = made
    if wanted is not None and wanted.where == "Arch.pretrained":
        config["Transfer"]["pretrained"] = wanted.spec


def _is_made(config: dict[str, Any], hidden: list[int]) -> bool:
    arch = resolve.section(config, "Arch")
    backbone, last = arch.get("Backbone"), arch.get("Head")
    return (arch.get("name") == "RecModel" and isinstance(backbone, dict)
            and isinstance(last, dict) and [backbone.get("class_num")] == hidden
            and last.get("embedding_size") == hidden[0])
