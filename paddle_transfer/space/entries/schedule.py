"""How long is trained, and how the learning rate moves meanwhile."""

from __future__ import annotations

from typing import Any

from paddle_transfer.space import optimizers
from paddle_transfer.space.entries.optimizer import needs_optimizer
from paddle_transfer.space.entry import Entry, number, one_of, whole
from paddle_transfer.space.hyperparameter import is_number

#: Schedules that heed ``warmup_epoch`` in every version (``Constant`` has never done so).
WARM = ("Cosine", "Linear", "Piecewise", "Step", "Cyclic", "MultiStepDecay", "ConstLR")

SCHEDULES = ("cosine", "linear", "step", "constant")

#: After which shares of the epochs ``step`` divides the rate by ten.
STEPS = (0.5, 0.75)


def _schedules(config: dict) -> list[dict]:
    return [
        arguments["lr"]
        for _, arguments in optimizers.optimizers(config)
        if isinstance(arguments.get("lr"), dict)
    ]


def _apply_epochs(config: dict, value: int) -> None:
    """The milestones of a schedule that counts epochs move in proportion."""
    old = config["Global"]["epochs"]
    config["Global"]["epochs"] = int(value)
    for schedule in _schedules(config):
        for key in ("decay_epochs", "milestones", "step_size"):
            if key in schedule:
                schedule[key] = _in_proportion(schedule[key], new=int(value), old=old)


def _in_proportion(epochs: Any, *, new: int, old: int) -> Any:
    if isinstance(epochs, list):
        return [_in_proportion(epoch, new=new, old=old) for epoch in epochs]
    return max(1, round(epochs * new / old)) if is_number(epochs) else epochs


def _needs_warm_schedule(config: dict) -> str | None:
    if needs_optimizer(config):
        return needs_optimizer(config)
    names = [schedule.get("name") for schedule in _schedules(config)]
    return None if names and all(
        name in WARM for name in names) else f"needs Optimizer.lr.name {', '.join(WARM[:4])}"


def _apply_warmup(config: dict, value: float) -> None:
    for schedule in _schedules(config):
        if schedule.get("name") in WARM:
            schedule["warmup_epoch"] = int(value) if float(value).is_integer() else float(value)


def _needs_rate(config: dict) -> str | None:
    rates = [optimizers.learning_rate(arguments) for _, arguments in optimizers.optimizers(config)]
    return None if rates and all(map(is_number, rates)) else "needs a learning rate in Optimizer.lr"


def _apply_schedule(config: dict, value: str) -> None:
    epochs = config["Global"]["epochs"]
    for _, arguments in optimizers.optimizers(config):
        old = arguments.get("lr")
        rate = optimizers.learning_rate(arguments)
        kept = {
            key: old[key]
            for key in ("warmup_epoch", "warmup_start_lr")
            if isinstance(old, dict) and key in old
        }
        arguments["lr"] = {**_schedule(value, rate, epochs), **kept}


def _schedule(name: str, rate: float, epochs: int) -> dict:
    if name in ("cosine", "linear"):
        return {"name": name.capitalize(), "learning_rate": rate}
    if name == "constant":
        # PaddleClas's Constant ignores warmup_epoch, and Paddle wants at least one boundary
        return {"name": "Piecewise", "decay_epochs": [epochs], "values": [rate, rate]}
    ends = list(dict.fromkeys(max(1, round(share * epochs)) for share in STEPS))
    return {"name": "Piecewise", "decay_epochs": ends,
            "values": [optimizers.scaled(rate, 10 ** i, 1) for i in range(len(ends) + 1)]}


ENTRIES = (
    Entry(
        name="epochs", meaning="epochs of training; milestones of a schedule move in proportion",
        values=(10, 20, 50), check=whole(1), apply=_apply_epochs, stage=-2,
        edits=("Global.epochs", "Optimizer.lr.decay_epochs", "Optimizer.lr.milestones",
               "Optimizer.lr.step_size"), source="Kornblith et al. 2019"),
    Entry(name="warmup_epochs",
          meaning="epochs over which the learning rate rises at the start; fewer than all epochs",
          values=(0, 1, 5), check=number("must be a number, 0 or more", lambda x: x >= 0),
          apply=_apply_warmup, needs=_needs_warm_schedule, edits=("Optimizer.lr.warmup_epoch", ),
          source="Goyal et al. 2017"),
    Entry(
        name="lr_schedule",
        meaning="how the learning rate falls: cosine, linear, step (a tenth after half and after "
        "three quarters of the epochs) or constant; the warmup stays", values=SCHEDULES,
        check=one_of(*SCHEDULES), apply=_apply_schedule, needs=_needs_rate, stage=-1,
        edits=("Optimizer.lr", ),
        source="Loshchilov & Hutter 2017 (cosine); He et al. 2016 (step)"),
)
