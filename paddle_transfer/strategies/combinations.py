"""What a training config may ask for beside a strategy, as far as not every strategy allows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from paddle_transfer.config import resolve
from paddle_transfer.errors import TrialError, ValidationIssue
from paddle_transfer.strategies.base import Strategy

Config = dict[str, Any]

#: The name, in ``Strategy.refuses``, of what no config says: a training in several processes.
SEVERAL_DEVICES = "several_devices"


@dataclass(frozen=True)
class Combination:
    """:param where: the dotted path in a config that asks for it
    :param found: what the config has there; "" when it does not ask for it
    """

    where: str
    found: Callable[[Config], str]
    hint: str


def _amp(config: Config) -> str:
    section = resolve.section(config, "AMP")
    return f"level {section.get('level', 'O1')}" if section.get("use_amp", bool(section)) else ""


def _half_weights(config: Config) -> str:
    return "O2" if _amp(config) == "level O2" else ""


def _ema(config: Config) -> str:
    section = config.get("EMA")
    return "a moving average" if isinstance(section, dict) and section.get("decay", 1) else ""


def _distillation(config: Config) -> str:
    return "several networks" if "models" in resolve.section(config, "Arch") else ""


#: By the names that ``Strategy.refuses`` uses.
COMBINATIONS = {
    "amp": Combination("AMP", _amp, "Take the section AMP out."),
    "half_weights": Combination("AMP.level", _half_weights, "Write AMP.level: O1."),
    "ema": Combination("EMA", _ema, "Take the section EMA out."),
    "distillation": Combination("Arch.models", _distillation, "Name one network in Arch.name.")}


def refused(config: Config, name: str, strategy: Strategy[Any]) -> Iterator[ValidationIssue]:
    """What ``config`` asks for although ``strategy``, called ``name``, refuses it."""
    for other, why in strategy.refuses.items():
        combination = COMBINATIONS.get(other)
        found = combination.found(config) if combination else ""
        if combination and found:
            yield ValidationIssue(
                combination.where, f"cannot stand beside Transfer.strategy: {name}, {why}", found,
                f"{combination.hint} Or choose strategy: full.")


def require_one_device(processes: int, name: str, strategy: Strategy[Any]) -> None:
    """:param processes: that train together, each on a device
    :raises TrialError: there are several, which ``strategy`` refuses
    """
    why = strategy.refuses.get(SEVERAL_DEVICES)
    if why and processes > 1:
        raise TrialError(f"Transfer.strategy: {name} trains on one device, {why}; {processes} "
                         "processes were started. Start it without paddle.distributed.launch")
