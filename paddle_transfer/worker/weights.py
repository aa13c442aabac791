"""Pretrained weights: where they are, and whether they fit. Loading them stays PaddleClas's own."""

from __future__ import annotations

import os
from typing import Any, Optional

from paddle_transfer.errors import TrialError

SUFFIX = ".pdparams"


def spelt(path: Any) -> Optional[str]:
    """``Global.pretrained_model`` as every PaddleClas takes it: without ``.pdparams`` (2.4 adds it always, later
    versions when it is missing); None for nothing.

    :raises TrialError: there is no such file
    """
    if not path or _is_url(path):
        return path or None
    stem = str(path)[:-len(SUFFIX)] if str(path).endswith(SUFFIX) else str(path)
    if not os.path.isfile(stem + SUFFIX):
        raise TrialError(f"Global.pretrained_model: there is no file {stem}{SUFFIX}")
    return stem


def check(path: Optional[str], model, arch: dict) -> None:
    """Compares the weights file with the model that loaded it. PaddleClas says "Finish load" whatever happened.

    Tensors of the classifier may have another shape: those in which one dimension, the same in all of them, is the
    number of classes.

    :raises TrialError: tensors that the file lacks, or that have another shape elsewhere
    """
    if not path or _is_url(path) or "models" in arch:
        return
    import paddle
    theirs = {name: _shape(value) for name, value in paddle.load(path + SUFFIX).items() if hasattr(value, "shape")}
    ours = {name: _shape(value) for name, value in model.state_dict().items()}
    missing = [name for name in ours if name not in theirs]
    other = {name: (theirs[name], ours[name]) for name in ours if name in theirs and theirs[name] != ours[name]}
    wrong = _beyond_the_head(other, arch.get("class_num"))
    if missing or wrong:
        raise TrialError(f"{path}{SUFFIX} does not fit {arch.get('name')}: "
                         + "; ".join(filter(None, (
                             _list("it lacks", missing),
                             _list("other shapes (file, model)", [f"{name} {pair[0]} {pair[1]}"
                                                                  for name, pair in wrong.items()])))))
    left = ", ".join(other) or "none"
    print(f"pretrained weights: {len(ours) - len(other)} of {len(ours)} tensors from {path}{SUFFIX}; "
          f"new (other number of classes): {left}", flush=True)


def _beyond_the_head(other: dict, classes: Any) -> dict:
    """Those of the differing shapes that another number of classes does not explain."""
    changes = {name: [pair for pair in zip(*shapes) if pair[0] != pair[1]] for name, shapes in other.items()}
    explained = {tuple(change) for name, change in changes.items()
                 if len(other[name][0]) == len(other[name][1]) and len(change) == 1
                 and (classes is None or change[0][1] == classes)}
    return {} if len(explained) == 1 and all(tuple(change) in explained for change in changes.values()) else other


def _list(what: str, names: list[str]) -> str:
    return f"{what} {', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''}" if names else ""


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(int(size) for size in value.shape)


def _is_url(path: Any) -> bool:
    return str(path).startswith(("http://", "https://"))
