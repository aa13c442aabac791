"""A training config as every version of PaddleClas trains it, and as a search hands it back.

The worker and the hand-back make the same edits, so that PaddleClas's own tools train what the
search has trained. No function here changes its argument.
"""

from __future__ import annotations

from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config import pretrained, resolve
from paddle_transfer.config.base import complete, components, list_at
from paddle_transfer.config.evaluation import read_whole_lists

#: What every training of a search has, whatever the base config says: it begins at its first
#: epoch, is evaluated, and draws nothing.
_OVERRIDDEN = {"checkpoints": None, "eval_during_train": True, "use_visualdl": False}

#: Left out for the same reason: another place for the weights; a profiler.
_LEFT_OUT = ("Global.uniform_output_enabled", "profiler_options")


def for_trial(config: dict[str, Any], *, output_dir: str, seed: int, device: str) -> dict[str, Any]:
    """A complete, portable copy for one training of a search.

    :param device: ``cpu``, ``gpu`` or a slot such as ``gpu:3``, of which the kind is used: the
        worker's process sees one GPU only
    """
    made = complete(config)
    made["Global"].update(_OVERRIDDEN, output_dir=output_dir, seed=seed,
                          device=device.partition(":")[0])
    for path in _LEFT_OUT:
        if dotpath.exists(made, path):
            dotpath.delete(made, path)
    return portable(made)


def handed_back(config: dict[str, Any], *, output_dir: str, seed: int, device: str,
                metric: str) -> dict[str, Any]:
    """``for_trial`` for people and PaddleClas's own tools, which choose the best epoch by the first
    of ``Metric.Eval``, and export a network for images of ``Global.image_shape``.

    :param metric: that the search maximised; it comes first where ``Metric.Eval`` can say so
    """
    made = for_trial(config, output_dir=output_dir, seed=seed, device=device)
    _put_first(made, metric)
    size, shape = resolve.image_size(made), resolve.image_shape(made) or [3]
    if size is not None:
        made["Global"]["image_shape"] = [shape[0], size[1], size[0]]
    return made


def portable(config: dict[str, Any]) -> dict[str, Any]:
    """A copy of a complete config that needs none of the cures of single versions, and evaluates
    whole lists."""
    made = resolve.with_class_num(dotpath.clone(config))
    common, arch = resolve.section(made, "Global"), resolve.section(made, "Arch")
    if common.get("device") != "gpu":
        arch.pop("use_sync_bn", None)  # 2.4 fails with it on a CPU, where later versions warn
    file = common.get("pretrained_model")
    if pretrained.loaded_by_paddleclas(made) and isinstance(file, str):
        # 2.4 adds the suffix always, later versions when it is missing
        common["pretrained_model"] = file.removesuffix(pretrained.SUFFIX)
    read_whole_lists(made)
    _drop_mixed_accuracy(made)
    _limit_topk(made)
    return made


def _drop_mixed_accuracy(config: dict[str, Any]) -> None:
    """Drop TopkAcc from ``Metric.Train`` under mixed labels.

    PaddleClas means to, but skips every second entry: it removes from the list while iterating.
    """
    if list_at(config, "DataLoader.Train.dataset.batch_transform_ops"):
        metrics = list_at(config, "Metric.Train")
        metrics[:] = [metric for metric in metrics if "TopkAcc" not in metric]


def _limit_topk(config: dict[str, Any]) -> None:
    """Drop every k beyond the number of classes from the top-k metrics that keep another.

    2.4 does so in the first batch, later versions report 1.0, which would always be the best metric
    when it comes first.
    """
    classes = resolve.outputs(config)
    for path, _, topk in resolve.topk(config):
        kept = [k for k in topk if not classes or k <= classes]
        if kept and kept != topk:
            dotpath.set_(config, path, kept)


def _put_first(config: dict[str, Any], metric: str) -> None:
    """Put ``metric`` first in ``Metric.Eval``: its entry, and its k among those of a top-k."""
    entries = list_at(config, "Metric.Eval")
    for i, (name, arguments) in enumerate(components(config, "Metric.Eval")):
        names = resolve.reported(name, arguments, None) or []
        topk = arguments.get("topk", [1, 5])
        if metric not in names or len(entries) <= i:
            continue
        if isinstance(topk, list) and len(topk) == len(names) > 1:
            first = topk[names.index(metric)]
            entries[i] = {name: {**arguments, "topk": [first, *(k for k in topk if k != first)]}}
        entries.insert(0, entries.pop(i))
        return
