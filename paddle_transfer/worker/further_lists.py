"""The best weights of a training measured on further lists (``also_measure`` of a search file)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.worker.bootstrap import open_engine
from paddle_transfer.worker.locate import EngineHome
from paddle_transfer.worker.options import EpochResult, RunOptions

#: Word in a search file -> the section of the config with the list.
SECTIONS = {"train": "Train"}


def measure(config: dict[str, Any], lists: Sequence[str], *, weights: str, home: EngineHome,
            best: EpochResult) -> dict[str, dict[str, float]]:
    """List -> metric of ``Metric.Eval`` -> value, of one network: of ``val`` (``DataLoader.Eval``)
    as the epoch ``best`` was evaluated, and of ``lists`` by an evaluation of their own, which sees
    the images as that of ``DataLoader.Eval`` does.

    :param config: of the training
    :param weights: the file with those of ``best``
    """
    found = {"val": {name.removeprefix("eval/"): value for name, value in best.scalars.items()
                     if name.startswith("eval/") and "loss" not in name.lower()}}
    for one in lists:
        options = RunOptions(log_file=False, weights_to="")
        with open_engine(_reading(config, SECTIONS[one], weights), mode="eval", home=home,
                         options=options) as engine:
            engine.eval()
            found[one] = dict(engine.last_eval[0])
    return {one: {name: value for name, value in values.items() if name in found["val"]}
            for one, values in found.items()}


def _reading(config: dict[str, Any], section: str, weights: str) -> dict[str, Any]:
    """``config`` for an evaluation of ``weights`` on the list of ``DataLoader.<section>``."""
    made: dict[str, Any] = dotpath.clone(config)
    loaders = made["DataLoader"]
    dataset = loaders["Eval"]["dataset"]
    for key in ("image_root", "cls_label_path", "delimiter"):
        dataset.pop(key, None)
        if key in loaders[section]["dataset"]:
            dataset[key] = loaders[section]["dataset"][key]
    made.pop("Transfer", None)
    made.pop("EMA", None)
    made["Global"]["pretrained_model"] = weights
    return made
