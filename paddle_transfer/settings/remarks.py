"""Remarks at the start of a search on what its base config says and a search does otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config import resolve
from paddle_transfer.rules.arguments import ignored
from paddle_transfer.settings.groups import Devices
from paddle_transfer.settings.reading import Reading
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.search_key import SearchKey, apply_point
from paddle_transfer.strategies.section import unused_weights

Config = dict[str, Any]


def remarks(reading: Reading, base: Config, devices: Devices, keys: Sequence[SearchKey]
            ) -> tuple[str, ...]:
    """What of the base config is not used, or may be meant otherwise than a search takes it."""
    notes = [f"{path} of the base config is not used: {why}."
             for path, why in _unused(reading, base).items()]
    strategies = [key for key in keys if key.name == "strategy"]
    values = [value for key in strategies if isinstance(key.hyperparameter, Choice)
              for value in key.hyperparameter.values]
    unused = [unused_weights(apply_point(base, strategies, {"strategy": value}))
              for value in values] or [unused_weights(base)]
    notes += dict.fromkeys(filter(None, unused))
    if reading.uses_stages and len(devices.gpus) > devices.processes == 1:
        notes.append("PaddleClas trains each trial on all listed GPUs; here each GPU trains a "
                     "trial of its own, with the batch size of the config (one that was meant for "
                     "several may want a smaller learning rate); executor: {name: local, "
                     f"gpus_per_trial: {len(devices.gpus)}}} trains each on all.")
    return tuple(notes)


def _unused(reading: Reading, base: Config) -> dict[str, str]:
    """Paths of the base config that its author may count on, and what a search does instead."""
    seed, found = resolve.seed(base), {}
    if dotpath.find(base, "Global.checkpoints"):
        found["Global.checkpoints"] = "every trial begins at its first epoch"
    if seed is not None and "seed" not in reading.data and seed != reading.given.seed:
        found["Global.seed"] = (f"trials have seeds of their own, from {reading.given.seed} on; "
                                f"-o seed={seed} begins with this one")
    for path, why in ignored(base, reading.ppcls).items():
        found[path] = why
    return found
