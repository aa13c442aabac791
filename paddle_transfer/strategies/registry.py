"""Ways to transfer by name."""

from __future__ import annotations

from typing import Any

from paddle_transfer.registry import Registry
from paddle_transfer.strategies.base import Strategy

STRATEGIES: Registry[type[Strategy[Any]]] = Registry(
    "strategy", group="paddle_transfer.strategies", attribute="options", builtin={
        name: f"paddle_transfer.strategies.{name}:{name.title().replace('_', '')}" for name in (
            "full", "scratch", "head", "discriminative", "partial", "gradual",
            "feature_extraction", "multi_task", "domain_adaptation")
    })
