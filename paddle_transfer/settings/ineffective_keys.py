"""Finds search keys that change nothing, before any training. Either PaddleClas ignores what the
key sets, or two points of the space give the same config."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.base import comparable
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import show
from paddle_transfer.space.hyperparameter import Choice, Value, value_key
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.space.space import Point, Space
from paddle_transfer.stages.plan import applied

Config = dict[str, Any]

#: Points that are compared at most. One takes about a quarter of a millisecond.
POINTS = 600


@dataclass(frozen=True)
class Ignored:
    """Paths that change nothing in a training.

    :param path: a dotted path, ``*`` for any one part; everything below it is meant as well
    :param reason: why, after "because"
    :param when: (base config, the key's path) -> whether it is so there
    """

    path: str
    reason: str
    when: Callable[[Config, str], bool] = lambda _config, _path: True
    hint: str = ""


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
    *(Ignored(f"DataLoader.{part}.loader.{name}", _SPEED) for part in ("Train", "Eval")
      for name in ("num_workers", "use_shared_memory", "prefetch_factor")),
    Ignored("DataLoader.Eval.sampler.batch_size", _SPEED),
    Ignored("DataLoader.Eval.sampler.shuffle", "the order of the evaluation changes nothing"),
    *(Ignored(f"{place}.lr.learning_rate", "the schedule is Piecewise, which trains with its "
              "values (2.4 ignores learning_rate, later versions put it in the place of values)",
              lambda config, path: _beside(config, path, "name") == "Piecewise",
              "The key lr scales the values.") for place in _OPTIMIZERS),
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


def check_ineffective(base: Config, keys: Sequence[SearchKey], issues: ValidationIssues) -> None:
    """Add a mistake for every key whose paths PaddleClas all ignores, and for keys with two points
    of the space that are the same training."""
    rest = []
    # the last value of every key: a warmup, say, may be searched beside its start
    last = applied(base, keys, {key.name: _values(key)[-1] for key in keys})
    for key in keys:
        reasons = [why_ignored(last, path) for path in key.replace_config]
        reason = reasons[0] if reasons and all(reasons) else None
        if reason is None:
            rest.append(key)
            continue
        issues.add(f"search_key {key.name}", "must change the training",
                   ", ".join(key.replace_config), f"It would not, because {reason.reason}. "
                   f"{reason.hint or 'Take the key out.'}")
    for names, first, second in twins(base, rest) if rest else ():
        a, b = (f"{names[0]} {show(one[names[0]], 40)}" for one in (first, second))
        issues.add(f"search_key {' and '.join(names)}", "two points of the space must not be the "
                   "same training", f"{a} and {b} give the same config"
                   + _other_values(names, first, base, keys), _hint(names[0], keys))


def twins(base: Config, keys: Sequence[SearchKey]) -> Iterator[tuple[list[str], Point, Point]]:
    """(names that differ, point, point) of points with the same config; each set of names once."""
    space = Space(tuple(key.hyperparameter for key in keys))
    points = (space.points() if space.size is not None and space.size <= POINTS
              else islice(_neighbours(keys, space), POINTS))
    seen: dict[str, Point] = {}
    told: set[str] = set()
    for point in points:
        other = seen.setdefault(_trained(base, keys, point), point)
        names = [name for name in space.names
                 if value_key(other.get(name)) != value_key(point.get(name))]
        if space.key(other) != space.key(point) and names and not told & set(names):
            told.update(names)
            yield names, other, point


def _trained(base: Config, keys: Sequence[SearchKey], point: Point) -> str:
    """Equal texts for configs that train the same."""
    return json.dumps(comparable(applied(base, keys, point)), sort_keys=True, default=str)


def _neighbours(keys: Sequence[SearchKey], space: Space) -> Iterator[Point]:
    """Points that differ from some point in one key only, without end."""
    rng = random.Random(0)
    centre = {key.name: _values(key)[0] for key in keys}
    while True:
        for key in keys:
            for value in _values(key):
                yield space.canonical({**centre, key.name: value})
        centre = space.sample(rng)


def _values(key: SearchKey) -> list[Value]:
    """All values of a choice; both ends of a range, and one between them."""
    h = key.hyperparameter
    return list(h.values) if isinstance(h, Choice) else [h.low, h.decode(0.5), h.high]


def _other_values(names: Sequence[str], point: Point, base: Config, keys: Sequence[SearchKey]
                  ) -> str:
    """For a key that is ineffective only with certain values of other keys: these values."""
    key = next(key for key in keys if key.name == names[0])
    alone = {_trained(base, [key], {key.name: value})
             for value in (point[key.name], *_values(key)) if value is not None}
    others = ", ".join(f"{name} {value}" for name, value in point.items() if name not in names)
    return f" beside {others}" if others and len(alone) == len(_values(key)) else ""


def _hint(name: str, keys: Sequence[SearchKey]) -> str:
    key = next(key for key in keys if key.name == name)
    for other in keys:
        for path in key.edits if other is not key else ():
            clash = next((theirs for theirs in other.edits
                          if f"{theirs}.".startswith(f"{path}.")
                          or f"{path}.".startswith(f"{theirs}.")), None)
            if clash:
                return f"{other.name} sets {clash} too. Keep one of the two."
    return f"It edits {', '.join(key.edits)}. Take the value out, or the key."
