"""Arguments of optimizers: what PaddleClas and Paddle can build, and what can train."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import did_you_mean, show
from paddle_transfer.rules.base import Config, Rule
from paddle_transfer.space.hyperparameter import is_number
from paddle_transfer.space.optimizers import DECOUPLED, optimizers

#: What ``paddle.regularizer`` has, without the "Decay" that PaddleClas adds to the name.
REGULARIZERS = ("L1", "L2")

_SHARE: tuple[str, Callable[[float], bool]] = (
    "must be a number from 0 up to but not including 1", lambda x: 0 <= x < 1)
_POSITIVE: tuple[str, Callable[[float], bool]] = ("must be a number above 0", lambda x: x > 0)
_NOT_BELOW_0: tuple[str, Callable[[float], bool]] = (
    "must be a number, 0 or more", lambda x: x >= 0)

#: argument -> (rule, whether a number keeps it)
LIMITS = {"momentum": _SHARE, "rho": _SHARE, "beta1": _SHARE, "beta2": _SHARE,
          "epsilon": _NOT_BELOW_0, "clip_norm": _POSITIVE}


def check_optimizers(config: Config, issues: ValidationIssues) -> None:
    """Every optimizer of the model takes its numbers and its decay."""
    for name, arguments in optimizers(config):
        for key, (rule, fits) in LIMITS.items():
            value = arguments.get(key)
            if key in arguments and not (is_number(value) and fits(value)):
                issues.add(f"Optimizer.{key}", rule, show(value))
        if name in DECOUPLED:
            _check_own_decay(name, arguments, issues)
        else:
            _check_decay(arguments, issues)


def _check_own_decay(name: str, arguments: dict[str, Any], issues: ValidationIssues) -> None:
    """Paddle's AdamW takes a number, and neither a regularizer nor nothing."""
    regularizer, decay = arguments.get("regularizer"), arguments.get("weight_decay")
    if regularizer is not None:
        coefficient = regularizer.get("coeff") if isinstance(regularizer, dict) else None
        issues.add("Optimizer.regularizer", f"may not stand in {name}, which has a decay of its "
                   "own", show(regularizer), f"Write weight_decay: "
                   f"{coefficient if is_number(coefficient) else 0.0001} in its place; the search "
                   "keys optimizer and l2_decay do so.")
    elif not (is_number(decay) and decay >= 0):
        issues.add("Optimizer.weight_decay", f"is needed by {name}, a number, 0 or more",
                   show(decay), "Write weight_decay: 0.0 for none.")


def _check_decay(arguments: dict[str, Any], issues: ValidationIssues) -> None:
    regularizer, decay = arguments.get("regularizer"), arguments.get("weight_decay")
    if decay is not None and not (is_number(decay) and decay >= 0):
        issues.add("Optimizer.weight_decay", "must be a number, 0 or more", show(decay))
    if not isinstance(regularizer, dict):
        return
    name, where = regularizer.get("name"), "Optimizer.regularizer"
    if name not in REGULARIZERS:
        issues.add(f"{where}.name", f"must be one of {', '.join(REGULARIZERS)}", show(name),
                   did_you_mean(str(name).removesuffix("Decay"), REGULARIZERS))
    coefficient = regularizer.get("coeff", 0.0)
    if not (is_number(coefficient) and coefficient >= 0):
        issues.add(f"{where}.coeff", "must be a number, 0 or more", show(coefficient))
    for key in regularizer.keys() - {"name", "coeff"}:
        issues.add(f"{where}.{key}", "is no argument of a regularizer", show(regularizer[key]),
                   did_you_mean(key, ("name", "coeff")))


OPTIMIZERS = Rule(("Optimizer.name", "Optimizer.regularizer", "Optimizer.weight_decay",
                   *(f"Optimizer.{key}" for key in LIMITS)), check_optimizers)
