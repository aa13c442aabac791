"""Losses and batch operators of a PaddleClas config, in every form that PaddleClas accepts.

All functions that edit do so in place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.base import list_at
from paddle_transfer.space.hyperparameter import Value, is_number

#: Batch operators that mix images and so make soft labels. They cannot run one after the other.
MIX_OPERATORS = ("MixupOperator", "CutmixOperator", "FmixOperator", "MixupCutmixHybrid")

BATCH_OPS = "DataLoader.Train.dataset.batch_transform_ops"

#: Metrics that cannot be computed on soft labels.
HARD_LABEL_METRICS = ("TopkAcc", "GoogLeNetTopkAcc", "DistillationTopkAcc")

#: Smooths nothing in effect, but makes CELoss take soft labels as they are.
SOFT_LABEL_EPSILON = 1e-7

Operator = dict[str, Any]


def in_proportion(numbers: Value, *, old: float, new: float) -> Value:
    """``numbers`` (one, or a list) times new / old, as whole numbers of at least 1; anything else
    as it is."""
    if isinstance(numbers, list):
        return [in_proportion(number, old=old, new=new) for number in numbers]
    return max(1, round(numbers * new / old)) if is_number(numbers) else numbers


def losses(config: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """The arguments of every loss ``name`` in Loss.Train; null is replaced by a mapping first."""
    for item in list_at(config, "Loss.Train"):
        if isinstance(item, dict) and name in item:
            if item[name] is None:
                item[name] = {"weight": 1.0}
            yield item[name]


def set_mix_operator(config: dict[str, Any], name: str, arguments: dict[str, Any] | None) -> None:
    """Enable a mixing batch operator (with ``arguments``) or disable it (None).

    Every other operator stays. Several mixing operators cannot run one after the other, so
    OpSampler draws one for each batch, all equally likely. The probabilities (``prob``) of an
    OpSampler that is there already are kept.
    """
    operators = list_at(config, BATCH_OPS)
    for holder in [*operators, *(op["OpSampler"] for op in operators if op.get("OpSampler"))]:
        if name in holder:
            if arguments is None:
                del holder[name]
            else:
                holder[name] = {**(holder[name] or {}), **arguments}
            _set_batch_operators(config, operators)
            return
    if arguments is not None:
        mixing = [op for op in operators if _is_mixing(op)]
        others = [op for op in operators if not _is_mixing(op)]
        _set_batch_operators(config, [*others, _joined(mixing, name, arguments)])


def _joined(present: list[Operator], name: str, arguments: dict[str, Any]) -> Operator:
    """One operator that combines those ``present`` and the new one."""
    members: Operator = {}
    for operator in present:
        members.update(operator.get("OpSampler", operator))
    members[name] = arguments
    if len(members) == 1:
        return members
    share = 1.0 / len(members)
    return {"OpSampler": {key: {**(value or {}), "prob": share} for key, value in members.items()}}


def _is_mixing(operator: Operator) -> bool:
    return any(name in operator for name in (*MIX_OPERATORS, "OpSampler"))


def _set_batch_operators(config: dict[str, Any], operators: list[Operator]) -> None:
    """An empty list is left out: the engine takes any list, even an empty one, for mixing."""
    operators = [op for op in operators if op and op != {"OpSampler": {}}]
    dataset = dotpath.get(config, "DataLoader.Train.dataset")
    if operators:
        dataset["batch_transform_ops"] = operators
    else:
        dataset.pop("batch_transform_ops", None)


def finalise(config: dict[str, Any]) -> None:
    """Adapt losses and metrics to soft labels, if some batch operator mixes images.

    CELoss without ``epsilon`` puts soft labels through a softmax (PaddleClas 2.4.2 and 2.6), which
    makes them almost uniform; with a tiny one they are used as they are. TopkAcc does not work in
    Metric.Train.
    """
    if not any(_is_mixing(operator) for operator in list_at(config, BATCH_OPS)):
        return
    for loss in losses(config, "CELoss"):
        loss["epsilon"] = loss.get("epsilon") or SOFT_LABEL_EPSILON
    metrics = list_at(config, "Metric.Train")
    if metrics:
        config["Metric"]["Train"] = [
            item for item in metrics if not any(name in item for name in HARD_LABEL_METRICS)]
