"""Length of the training and schedule of the learning rate."""

from __future__ import annotations

from typing import Any

from paddle_transfer.space import optimizers
from paddle_transfer.space.edits import in_proportion
from paddle_transfer.space.entries.optimizer import check_optimizer
from paddle_transfer.space.entry import Entry, number, one_of, whole
from paddle_transfer.space.hyperparameter import is_number

#: Schedules that use ``warmup_epoch`` in every PaddleClas (``Constant`` never does).
WARM = ("Cosine", "Linear", "Piecewise", "Step", "Cyclic", "MultiStepDecay", "ConstLR")

SCHEDULES = ("cosine", "linear", "step", "constant")

#: Shares of the epochs after which ``step`` divides the rate by ten.
STEPS = (0.5, 0.75)


def _apply_epochs(config: dict[str, Any], value: int) -> None:
    """Set the epochs; the milestones of a schedule move in proportion."""
    old = config["Global"]["epochs"]
    config["Global"]["epochs"] = int(value)
    for schedule in optimizers.schedules(config):
        for key in ("decay_epochs", "milestones", "step_size"):
            if key in schedule:
                schedule[key] = in_proportion(schedule[key], old=old, new=int(value))


def _check_warm_schedule(config: dict[str, Any]) -> str | None:
    names = [schedule.get("name") for schedule in optimizers.schedules(config)]
    fine = names and all(name in WARM for name in names)
    return check_optimizer(config) or (
        None if fine else f"needs Optimizer.lr.name {', '.join(WARM[:4])}")


def _apply_warmup(config: dict[str, Any], value: float) -> None:
    for schedule in optimizers.schedules(config):
        if schedule.get("name") in WARM:
            schedule["warmup_epoch"] = int(value) if float(value).is_integer() else float(value)


def _check_rate(config: dict[str, Any]) -> str | None:
    rates = [optimizers.learning_rate(arguments) for _, arguments in optimizers.optimizers(config)]
    return None if rates and all(map(is_number, rates)) else "needs a learning rate in Optimizer.lr"


def _apply_schedule(config: dict[str, Any], value: str) -> None:
    for _, arguments in optimizers.optimizers(config):
        old, rate = arguments.get("lr"), optimizers.learning_rate(arguments)
        assert rate is not None, "the requirements have been checked"
        kept = {key: old[key] for key in ("warmup_epoch", "warmup_start_lr")
                if isinstance(old, dict) and key in old}
        arguments["lr"] = {**_schedule(value, rate, config["Global"]["epochs"]), **kept}


def _schedule(name: str, rate: float, epochs: int) -> dict[str, Any]:
    if name in ("cosine", "linear"):
        return {"name": name.capitalize(), "learning_rate": rate}
    if name == "constant":
        # PaddleClas's Constant ignores warmup_epoch, and Paddle needs at least one boundary
        return {"name": "Piecewise", "decay_epochs": [epochs], "values": [rate, rate]}
    ends = list(dict.fromkeys(max(1, round(share * epochs)) for share in STEPS))
    return {"name": "Piecewise", "decay_epochs": ends,
            "values": [optimizers.scaled(rate, 10 ** i, 1) for i in range(len(ends) + 1)]}


EPOCHS = Entry(
    name="epochs", meaning="epochs of training; milestones of a schedule move in proportion",
    values=(10, 20, 50), check=whole(1), apply=_apply_epochs, stage=-2,
    edits=("Global.epochs", "Optimizer.lr.decay_epochs", "Optimizer.lr.milestones",
           "Optimizer.lr.step_size"), source="Kornblith et al. 2019")

WARMUP_EPOCHS = Entry(
    name="warmup_epochs",
    meaning="epochs over which the learning rate rises at the start; fewer than all epochs",
    values=(0, 1, 5), check=number("must be a number, 0 or more", lambda x: x >= 0),
    apply=_apply_warmup, check_requirements=_check_warm_schedule,
    edits=("Optimizer.lr.warmup_epoch",), source="Goyal et al. 2017")

LR_SCHEDULE = Entry(
    name="lr_schedule",
    meaning="how the learning rate falls: cosine, linear, step (a tenth after half and after "
    "three quarters of the epochs) or constant; the warmup stays", values=SCHEDULES,
    check=one_of(*SCHEDULES), apply=_apply_schedule, check_requirements=_check_rate, stage=-1,
    edits=("Optimizer.lr",), source="Loshchilov & Hutter 2017 (cosine); He et al. 2016 (step)")
