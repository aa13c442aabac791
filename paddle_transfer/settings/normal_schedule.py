"""The normal form of learning rate schedules: what comes after the last epoch does not count."""

from __future__ import annotations

from typing import Any

from paddle_transfer.config import resolve
from paddle_transfer.space import optimizers
from paddle_transfer.space.hyperparameter import is_number

Config = dict[str, Any]

#: Schedules that a warmup over all epochs leaves no time for.
_AFTER_WARMUP = ("Cosine", "Linear", "Piecewise", "Step", "MultiStepDecay", "ConstLR")

#: Arguments of schedules that are the same when they are left out.
_SCHEDULE_DEFAULTS = {"eta_min": 0, "end_lr": 0, "power": 1, "cycle": False, "by_epoch": False,
                      "warmup_epoch": 0, "warmup_start_lr": 0, "last_epoch": -1}


def full_warmup(config: Config) -> None:
    """A warmup of all epochs or more leaves nothing of what would follow it."""
    epochs = resolve.epochs(config)
    for schedule in optimizers.schedules(config):
        warmup = schedule.get("warmup_epoch", 0)
        if not is_number(warmup) or epochs is None or warmup < epochs:
            continue
        rate = optimizers.learning_rate({"lr": schedule})
        if schedule.get("name") in _AFTER_WARMUP and not schedule.get("by_epoch"):
            start = schedule.get("warmup_start_lr", 0)
            schedule.clear()
            schedule.update(name="(warmup)", learning_rate=rate, warmup_start_lr=start)
        schedule["warmup_epoch"] = epochs


def cut_schedules(config: Config) -> None:
    """Leave out of each schedule what comes after the last epoch, and what is the default."""
    epochs = resolve.epochs(config)
    for schedule in optimizers.schedules(config) if epochs else ():
        assert epochs is not None
        warmup = schedule.get("warmup_epoch", 0)
        _cut(schedule, epochs - warmup if is_number(warmup) else epochs)
        if not warmup:
            schedule.pop("warmup_start_lr", None)
        for key, default in _SCHEDULE_DEFAULTS.items():
            if key in schedule and schedule[key] == default:
                del schedule[key]


def _cut(schedule: dict[str, Any], length: float) -> None:
    """Leave out what comes at or after the end, ``length`` epochs after the warmup."""
    name, rate = schedule.get("name"), optimizers.learning_rate({"lr": schedule})
    if name == "Piecewise" and not schedule.get("learning_rate"):
        ends, values = schedule.get("decay_epochs"), schedule.get("values")
        if not isinstance(ends, list) or not isinstance(values, list) or not values:
            return
        pairs = [(end, value) for end, value in zip(ends, values[1:], strict=False)
                 if is_number(end) and end < length]
        kept = [(end, value) for (end, value), before in zip(
            pairs, [values[0], *(value for _, value in pairs)], strict=False) if value != before]
        schedule.update(decay_epochs=[end for end, _ in kept],
                        values=[values[0], *(value for _, value in kept)])
        never = not kept
    elif name == "MultiStepDecay":
        milestones = schedule.get("milestones")
        if not isinstance(milestones, list):
            return
        schedule["milestones"] = [end for end in milestones if is_number(end) and end < length]
        never = not schedule["milestones"] or schedule.get("gamma") == 1
    else:
        size = schedule.get("step_size")
        never = name in (None, "ConstLR") or (name == "Step" and (
            schedule.get("gamma") == 1 or (is_number(size) and size >= length)))
    if never:
        for key in ("decay_epochs", "values", "milestones", "gamma", "step_size"):
            schedule.pop(key, None)
        schedule.update(name="(constant)", learning_rate=rate)
