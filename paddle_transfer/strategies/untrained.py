"""What of a training config has no effect under a strategy that trains no network."""

from __future__ import annotations

from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config import resolve
from paddle_transfer.strategies.section import read_strategy

#: Dotted paths, each with all below it.
OF_TRAINING = (
    "Optimizer", "Loss.Train", "Metric.Train", "EMA", "AMP", "FineTune", "Global.epochs",
    "Global.eval_interval", "Global.start_eval_epoch", "Global.update_freq",
    "Global.iter_per_epoch", "Arch.lr_mult_list", "Arch.dropout_prob",
    "DataLoader.Train.dataset.transform_ops", "DataLoader.Train.dataset.batch_transform_ops",
    "DataLoader.Train.sampler", "DataLoader.Train.loader")


def is_of_training(path: str) -> bool:
    """Whether the dotted ``path`` matters to the training of a network only."""
    return any(f"{path}.".startswith(f"{one}.") for one in OF_TRAINING)


def trains_network(strategy: object) -> bool:
    """Whether ``Transfer.strategy`` (a name, or a mapping with one) trains the network. Raises
    ConfigError when it is none."""
    return read_strategy({"Transfer": {"strategy": strategy}}).strategy.trains_network


def drop_training(config: dict[str, Any]) -> None:
    """Delete what has no effect, in place, where the config's strategy trains no network."""
    written = resolve.section(config, "Transfer").get("strategy")
    if written is None or trains_network(written):
        return
    for path in OF_TRAINING:
        if dotpath.exists(config, path):
            dotpath.delete(config, path)
