"""Finds search keys that change nothing, before any training. Either PaddleClas ignores what the
key sets, or two points of the space give the same config.
"""

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
from paddle_transfer.space.hyperparameter import Choice, value_key
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.space.space import Point, Space
from paddle_transfer.stages.plan import applied

#: Points that are compared at most. One takes about a quarter of a millisecond.
POINTS = 600


@dataclass(frozen=True)
class Ignored:
    """Paths that change nothing in a training.

    :param path: a dotted path, ``*`` for any one part; everything under it is meant as well
    :param reason: why, after "because"
    :param when: (base config, the key's path) -> whether it is so there
    """

    path: str
    reason: str
    when: Callable[[dict, str], bool] = lambda config, path: True
    hint: str = ""


def _single_loss(config: dict, path: str) -> bool:
    losses = dotpath.get(config, "Loss.Train") if dotpath.exists(config, "Loss.Train") else None
    return isinstance(losses, list) and len(losses) == 1


def _schedule(path: str) -> str:
    """``Optimizer.lr`` or ``Optimizer.0.AdamW.lr`` of a path in it."""
    return path.rpartition(".")[0]


def _piecewise(config: dict, path: str) -> bool:
    place = _schedule(path) + ".name"
    return dotpath.exists(config, place) and dotpath.get(config, place) == "Piecewise"


def _no_warmup(config: dict, path: str) -> bool:
    place = _schedule(path) + ".warmup_epoch"
    return not dotpath.exists(config, place) or not dotpath.get(config, place)


_BY_THE_SEARCH = "the search sets it for every trial"
_NOT_TRAINING = "it has no part in training"
_PIECEWISE = (
    "the schedule is Piecewise, which trains with its values (2.4 ignores learning_rate, later versions put "
    "it in the place of values)")

#: Paths that do not reach a training. Others are found if they change no config.
IGNORED = (
    *(Ignored(f"Global.{name}", _BY_THE_SEARCH)
      for name in ("output_dir", "device", "seed", "checkpoints", "eval_during_train",
                   "use_visualdl")),
    *(Ignored(f"Global.{name}", _NOT_TRAINING)
      for name in ("print_batch_step", "save_interval", "save_inference_dir", "infer_imgs")),
    Ignored("Global.image_shape", "it is for export only: the transforms give images their size",
            lambda config, _: not config["Global"].get("to_static"),
            "The key resolution changes crops and sizes."),
    Ignored("Infer", _NOT_TRAINING),
    Ignored("Arch.infer_model_name", _NOT_TRAINING),
    Ignored("Arch.use_sync_bn",
            "every trial trains on one device, which has nothing to be synchronised with"),
    Ignored("Loss.Eval", "the loss of the evaluation is only shown"),
    Ignored("Metric.Train", "the metrics of the training images are only shown"),
    Ignored("Loss.Train.*.*.weight", "PaddleClas ignores the weight of a single loss",
            _single_loss),
    *(Ignored(f"DataLoader.{part}.loader.{name}", "it changes the speed only")
      for part in ("Train", "Eval")
      for name in ("num_workers", "use_shared_memory", "prefetch_factor")),
    Ignored("DataLoader.Eval.sampler.batch_size", "it changes the speed only"),
    Ignored("DataLoader.Eval.sampler.shuffle", "the order of the evaluation changes nothing"),
    *(Ignored(f"{place}.lr.learning_rate", _PIECEWISE, _piecewise, "The key lr scales the values.")
      for place in ("Optimizer", "Optimizer.*.*")),
    *(Ignored(f"{place}.lr.warmup_start_lr", "there is no warmup", _no_warmup, "Set warmup_epoch.")
      for place in ("Optimizer", "Optimizer.*.*")),
)


def why_ignored(config: dict, path: str) -> Ignored | None:
    """The entry that says why ``path`` changes nothing when ``config`` trains; None when none does."""
    return next((one for one in IGNORED if _matches(path, one.path) and one.when(config, path)),
                None)


def _matches(path: str, pattern: str) -> bool:
    parts, wanted = path.split("."), pattern.split(".")
    return len(parts) >= len(wanted) and all(want in ("*", part)
                                             for part, want in zip(parts, wanted))


def check_ineffective(base: dict, keys: Sequence[SearchKey], issues: ValidationIssues) -> None:
    """Add a mistake for every key whose paths PaddleClas all ignores, and for keys with two points
    of the space that are the same training."""
    dead: set[str] = set()
    with_last = _with_last(base, keys)
    for key in keys:
        reasons = [why_ignored(with_last, path) for path in key.replace_config]
        if reasons and all(reasons):
            dead.add(key.name)
            issues.add(
                f"search_key {key.name}", "must change the training", ", ".join(key.replace_config),
                f"It would not, because {reasons[0].reason}. {reasons[0].hint or 'Take the key out.'}"
            )
    rest = [key for key in keys if key.name not in dead]
    if rest:
        for names, first, second in twins(base, rest):
            point = [f"{names[0]} {show(one[names[0]], 40)}" for one in (first, second)]
            issues.add(
                f"search_key {' and '.join(names)}",
                "two points of the space must not be the same training",
                f"{point[0]} and {point[1]} give the same config" +
                _beside(names, first, base, keys), _hint(names[0], keys))


def _with_last(base: dict, keys: Sequence[SearchKey]) -> dict:
    """The base config with the last value of every key: a warmup, say, may be searched beside its start."""
    return applied(base, keys, {key.name: _values(key)[-1] for key in keys})


def twins(base: dict, keys: Sequence[SearchKey]) -> Iterator[tuple[list[str], Point, Point]]:
    """(names that differ, point, point) of points that give the same config; each set of names once."""
    space = Space(tuple(key.hyperparameter for key in keys))
    seen: dict[str, Point] = {}
    told: set[str] = set()
    for point in _compared(keys, space):
        config = applied(base, keys, point)
        text = json.dumps(comparable(config), sort_keys=True, default=str)
        other = seen.setdefault(text, point)
        names = [
            name for name in space.names if value_key(other.get(name)) != value_key(point.get(name))
        ]
        if space.key(other) != space.key(point) and names and not told & set(names):
            told.update(names)
            yield names, other, point


def _compared(keys: Sequence[SearchKey], space: Space) -> Iterator[Point]:
    """All points of a small space; of another, those that differ from some point in one key only."""
    if space.size is not None and space.size <= POINTS:
        return space.points()
    return islice(_neighbours(keys, space), POINTS)


def _neighbours(keys: Sequence[SearchKey], space: Space) -> Iterator[Point]:
    rng = random.Random(0)
    centre = {key.name: _values(key)[0] for key in keys}
    while True:
        for key in keys:
            for value in _values(key):
                yield space.canonical({**centre, key.name: value})
        centre = space.sample(rng)


def _values(key: SearchKey) -> list[Any]:
    """All values of a choice, both ends and something between of a range."""
    h = key.hyperparameter
    return list(h.values) if isinstance(h, Choice) else [h.low, h.decode(0.5), h.high]


def _beside(names: Sequence[str], point: Point, base: dict, keys: Sequence[SearchKey]) -> str:
    """For a key that is ineffective only with certain values of other keys: these values."""
    key = next(key for key in keys if key.name == names[0])
    values = [applied(base, [key], {key.name: value}) for value in (point[key.name], *_values(key))
              if value is not None]
    alone = len({json.dumps(comparable(config), sort_keys=True, default=str)
                 for config in values}) == len(_values(key))
    others = [f"{name} {value}" for name, value in point.items() if name not in names]
    return f" beside {', '.join(others)}" if alone and others else ""


def _hint(name: str, keys: Sequence[SearchKey]) -> str:
    key = next(key for key in keys if key.name == name)
    for other in keys:
        for path in key.edits:
            clash = next((theirs for theirs in other.edits if other is not key and (
                theirs == path or theirs.startswith(f"{path}.") or path.startswith(f"{theirs}."))),
                         None)
            if clash:
                return f"{other.name} sets {clash} too. Keep one of the two."
    return f"It edits {', '.join(key.edits)}. Take the value out, or the key."
