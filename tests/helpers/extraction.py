"""Feature extractions in the process of ``bridge.Trainings``."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

import numpy as np

from tests.helpers.bridge import train


def train_without_engine(directory: str, config: dict[str, Any]) -> dict[str, Any]:
    """As ``bridge.train``, but building an engine is an error."""
    from paddle_transfer.worker.bootstrap import import_with_ppcls
    from paddle_transfer.worker.locate import locate

    module = import_with_ppcls("extraction.training", locate())
    with mock.patch.object(module, "open_engine", side_effect=AssertionError("an engine")):
        return train(directory, config)


def answers(config: dict[str, Any], weights: str) -> dict[str, Any]:
    """The logits of the network with ``weights`` for the images of ``DataLoader.Eval``, and the
    outputs of its classifier at every position."""
    from paddle_transfer.worker.bootstrap import open_engine
    from paddle_transfer.worker.locate import locate

    asked = {**config, "Global": {**config["Global"], "pretrained_model": weights}}
    asked.pop("Transfer")
    inner: list[np.ndarray] = []
    with open_engine(asked, mode="eval", home=locate()) as engine:
        engine.model.eval()
        engine.model._conv9.register_forward_post_hook(
            lambda _, __, output: inner.append(output.numpy()))
        out = [engine.model(batch[0]).numpy() for batch in engine.eval_dataloader]
    return {"logits": np.concatenate(out), "inner": np.concatenate(inner)}


def rows(text: str) -> list[dict[str, Any]]:
    """The predictions among the lines of ``infer``."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def open_in(mode: str, config: dict[str, Any], weights: str) -> None:
    """Open an engine with ``weights`` in ``mode``."""
    from paddle_transfer.worker.bootstrap import open_engine
    from paddle_transfer.worker.locate import locate

    asked = {**config, "Global": {**config["Global"], "pretrained_model": weights}}
    asked["Transfer"] = {"strategy": config["Transfer"]["strategy"]}
    with open_engine(asked, mode=mode, home=locate()):
        pass
