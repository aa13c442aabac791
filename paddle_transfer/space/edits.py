"""The places of a PaddleClas config that hyperparameters edit, in every form in which PaddleClas takes them.

All functions that edit work in place, on the copy that ``catalog.apply_point`` made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from paddle_transfer import dotpath

#: Batch operators that mix images and so make soft labels. They do not work one after the other.
MIX_OPERATORS = ("MixupOperator", "CutmixOperator", "FmixOperator", "MixupCutmixHybrid")

BATCH_OPS = "DataLoader.Train.dataset.batch_transform_ops"

#: Metrics that cannot be computed on soft labels.
HARD_LABEL_METRICS = ("TopkAcc", "GoogLeNetTopkAcc", "DistillationTopkAcc")

#: So small that smoothing changes nothing, and enough for CELoss to take soft labels as they are.
SOFT_LABEL_EPSILON = 1e-7


def losses(config: dict, name: str) -> Iterator[dict]:
    """The arguments of every loss ``name`` in Loss.Train; those written as null become a mapping first."""
    for item in _list(config, "Loss.Train"):
        if isinstance(item, dict) and name in item:
            if item[name] is None:
                item[name] = {"weight": 1.0}
            yield item[name]


def set_mix_operator(config: dict, name: str, arguments: dict[str, Any] | None) -> None:
    """Switch a mixing batch operator on (with ``arguments``) or off (None); every other operator stays.

    One mixing operator stands for itself; several are drawn from by batch with OpSampler, each as often as the
    other, since they cannot work one after the other. Where the config has an OpSampler with ``prob`` already,
    that is kept.
    """
    operators = _list(config, BATCH_OPS)
    for holder in [*operators, *(op["OpSampler"] for op in operators if op.get("OpSampler"))]:
        if name in holder:
            if arguments is None:
                del holder[name]
            else:
                holder[name] = {**(holder[name] or {}), **arguments}
            return _put_batch_ops(config, operators)
    if arguments is None:
        return None
    return _put_batch_ops(config, [
        *(op for op in operators if not _mixing(op)),
        _joined([op for op in operators if _mixing(op)], name, arguments)
    ])


def _joined(present: list[dict], name: str, arguments: dict[str, Any]) -> dict:
    """One operator that does what ``present`` does and the new one as well."""
    members: dict[str, dict] = {}
    for operator in present:
        members.update(operator["OpSampler"] if "OpSampler" in operator else operator)
    members[name] = arguments
    if len(members) == 1:
        return {name: arguments}
    share = 1.0 / len(members)
    return {"OpSampler": {key: {**(value or {}), "prob": share} for key, value in members.items()}}


def _mixing(operator: dict) -> bool:
    return any(name in operator for name in (*MIX_OPERATORS, "OpSampler"))


def _put_batch_ops(config: dict, operators: list[dict]) -> None:
    """An empty list goes altogether: the engine takes any list, even an empty one, for mixing."""
    operators = [op for op in operators if op and op != {"OpSampler": {}}]
    dataset = dotpath.get(config, "DataLoader.Train.dataset")
    if operators:
        dataset["batch_transform_ops"] = operators
    else:
        dataset.pop("batch_transform_ops", None)


def mixes(config: dict) -> bool:
    """Whether training labels are soft: some batch operator mixes images."""
    return any(_mixing(operator) for operator in _list(config, BATCH_OPS))


def finalise(config: dict) -> None:
    """What mixed images need, whoever switched them on.

    CELoss without ``epsilon`` puts soft labels through a softmax (in 2.4.2 and in 2.6), which makes them almost
    uniform; with a tiny one they are used as they are. TopkAcc cannot stand in Metric.Train.
    """
    if not mixes(config):
        return
    for loss in losses(config, "CELoss"):
        if not loss.get("epsilon"):
            loss["epsilon"] = SOFT_LABEL_EPSILON
    metrics = _list(config, "Metric.Train")
    if metrics:
        config["Metric"]["Train"] = [
            item for item in metrics if not any(name in item for name in HARD_LABEL_METRICS)
        ]


def _list(config: dict, path: str) -> list:
    """The list at ``path``; an empty one (not part of the config) where there is none."""
    items = dotpath.get(config, path) if dotpath.exists(config, path) else None
    return items if isinstance(items, list) else []
