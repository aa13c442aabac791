"""What ``final: {soup: greedy}`` needs: weights of several trials that can be averaged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from paddle_transfer.config import pretrained
from paddle_transfer.errors import ConfigError, show
from paddle_transfer.settings.reading import Reading
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.stages.plan import under
from paddle_transfer.strategies.section import apply_strategy, read_strategy

_WHERE = "final.soup"
#: What a key may edit so that trials begin from other weights than the base config's.
_ORIGINS = ("Transfer", "Arch", "Global.pretrained_model")


def check_soup(reading: Reading, base: dict[str, Any], keys: Sequence[SearchKey], *,
               metric: str) -> None:
    """Add to the issues of ``reading`` why no mean of this search's weights would be of use."""
    issues, kept = reading.issues, reading.given.keep_models
    if kept < 2 and not reading.spoilt("keep_models"):
        issues.add("keep_models", "must be at least 2 beside final.soup, which averages the "
                   "weights of the trials that are kept", show(kept), "Write keep_models: 8, say.")
    try:
        chosen, edited = read_strategy(base), apply_strategy(base)
    except ConfigError:
        return  # told by its own rule
    searched = any(key.name in ("strategy", "pretrained") or any(
        under(origin, path) or under(path, origin)
        for path in key.replace_config for origin in _ORIGINS) for key in keys)
    if metric in chosen.strategy.metrics:
        issues.add(_WHERE, "needs a metric that is measured outside of trainings", repr(metric),
                   "Choose one of Metric.Eval, or take out final.")
    if searched:
        return  # trials that do not go together are told when their weights are there
    if not chosen.strategy.trains_network:
        issues.add(_WHERE, "is for networks that are trained", f"Transfer.strategy: {chosen.name}",
                   "Choose another strategy, or take out final.")
    elif pretrained.wanted_weights(edited) is None and not pretrained.loaded_by_paddleclas(edited):
        issues.add(_WHERE, "needs pretrained weights: the mean of networks that began at different "
                   "random weights is worth nothing", "a training from scratch",
                   "Write Transfer.pretrained, or take out final.")
