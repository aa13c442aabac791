"""What PaddleClas ignores in a training config, so that a search of it would change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.base import FURTHER

Config = dict[str, Any]


@dataclass(frozen=True)
class Ignored:
    """Paths that change nothing in a training.

    :param path: a dotted path, ``*`` for any one part; everything below it is meant as well
    :param reason: why, after "because"
    :param when: (base config, the key's path) -> whether it is so there
    :param everywhere: in every version of PaddleClas
    """

    path: str
    reason: str
    when: Callable[[Config, str], bool] = lambda _config, _path: True
    hint: str = ""
    everywhere: bool = True


def _beside(config: Config, path: str, name: str) -> Any:
    """The value of ``name`` in the section of ``path``; None when it is not there."""
    place = f"{path.rpartition('.')[0]}.{name}"
    return dotpath.get(config, place) if dotpath.exists(config, place) else None


def _has_single_loss(config: Config, _path: str) -> bool:
    losses = (config.get("Loss") or {}).get("Train")
    return isinstance(losses, list) and len(losses) == 1


_BY_THE_SEARCH = "the search sets it for every trial"
_NOT_TRAINING = "it has no part in training"
_SPEED = "it changes the speed only"
_OPTIMIZERS = ("Optimizer", "Optimizer.*.*")

#: Paths that do not reach a training. Others are found if they change no config.
IGNORED = (
    *(Ignored(f"Global.{name}", _BY_THE_SEARCH) for name in (
        "output_dir", "device", "seed", "checkpoints", "eval_during_train", "use_visualdl")),
    *(Ignored(path, _NOT_TRAINING) for path in (
        "Global.print_batch_step", "Global.save_interval", "Global.save_inference_dir",
        "Global.infer_imgs", "Infer", "Arch.infer_model_name")),
    Ignored("Global.image_shape", "it is for export only: the transforms give images their size",
            lambda config, _path: not config["Global"].get("to_static"),
            "The key resolution changes crops and sizes."),
    Ignored("Arch.use_sync_bn", "every trial trains on one device, which has nothing to be "
            "synchronised with"),
    Ignored("Loss.Eval", "the loss of the evaluation is only shown"),
    Ignored("Metric.Train", "the metrics of the training images are only shown"),
    Ignored("Loss.Train.*.*.weight", "PaddleClas ignores the weight of a single loss",
            _has_single_loss),
    *(Ignored(f"DataLoader.{part}.loader.{name}", _SPEED) for part in ("Train", "Eval", *FURTHER)
      for name in ("num_workers", "use_shared_memory", "prefetch_factor")),
    Ignored("DataLoader.Eval.sampler.batch_size", _SPEED),
    Ignored("DataLoader.Eval.sampler.drop_last", "the whole list is evaluated, whatever it says"),
    Ignored("DataLoader.Eval.sampler.shuffle", "the order of the evaluation changes nothing"),
    *(Ignored(f"{place}.lr.learning_rate", "the schedule is Piecewise, which trains with its "
              "values (2.4 ignores learning_rate, later versions put it in the place of values)",
              lambda config, path: _beside(config, path, "name") == "Piecewise",
              "The key lr scales the values.", everywhere=False) for place in _OPTIMIZERS),
    *(Ignored(f"{place}.lr.warmup_start_lr", "there is no warmup",
              lambda config, path: not _beside(config, path, "warmup_epoch"), "Set warmup_epoch.")
      for place in _OPTIMIZERS),
)


def why_ignored(config: Config, path: str) -> Ignored | None:
    """Why ``path`` changes nothing when ``config`` trains; None when it does."""
    return next((one for one in IGNORED if _matches(path, one.path) and one.when(config, path)),
                None)


def _matches(path: str, pattern: str) -> bool:
    parts, wanted = path.split("."), pattern.split(".")
    return len(parts) >= len(wanted) and all(
        want in ("*", part) for part, want in zip(parts, wanted, strict=False))


def delete_ignored(config: Config) -> None:
    """Delete every path that changes nothing when ``config`` trains, in place."""
    for one, parts in _EVERYWHERE:
        for path, place, key in list(_found(config, parts, "")):
            if one.when(config, path):
                del place[key]


def _found(data: object, parts: Sequence[str], prefix: str) -> Iterator[tuple[str, Config, str]]:
    """(dotted path, its mapping, its last key) of what fits the pattern ``parts``. An item of a
    list cannot be deleted without moving the others."""
    first, *rest = parts
    if not rest:
        if isinstance(data, dict):
            yield from ((f"{prefix}{key}", data, key) for key in data if first in ("*", key))
        return
    items = (data.items() if isinstance(data, dict) else enumerate(data)
             if isinstance(data, list) else ())
    for key, value in items:
        if first in ("*", key):
            yield from _found(value, rest, f"{prefix}{key}.")


_EVERYWHERE = [(one, one.path.split(".")) for one in IGNORED if one.everywhere]
