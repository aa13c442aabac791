"""Learning rates and their schedules: what PaddleClas and Paddle can build, and what trains."""

from __future__ import annotations

from typing import Any

from paddle_transfer.config import resolve
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import show
from paddle_transfer.rules.base import Config, Rule, whole
from paddle_transfer.space.hyperparameter import is_number
from paddle_transfer.space.optimizers import learning_rate, optimizers, schedules

WHERE = "Optimizer.lr"

#: Schedules whose length, the epochs less the warmup, has to be whole.
WHOLE_WARMUP = ("Cosine", "Linear")


def check_schedules(config: Config, issues: ValidationIssues) -> None:
    """Every optimizer of the model has a schedule that can be built, and one of them learns."""
    rates = []
    for _, arguments in optimizers(config):
        schedule, rate = arguments.get("lr"), learning_rate(arguments)
        rates.append(rate)
        if rate is not None and not (is_number(rate) and rate >= 0):
            issues.add(f"{WHERE}.learning_rate", "must be a number above 0", show(rate))
        if isinstance(schedule, dict):
            _check_decay(schedule, issues)
            _check_warmup(schedule, rate, issues)
    if rates and all(is_number(rate) and rate == 0 for rate in rates):
        issues.add(f"{WHERE}.learning_rate", "must be above 0: nothing would be trained",
                   show(rates[0]))


def _check_decay(schedule: dict[str, Any], issues: ValidationIssues) -> None:
    name = schedule.get("name")
    if name == "Piecewise" and not schedule.get("learning_rate"):
        ends, values = schedule.get("decay_epochs"), schedule.get("values")
        if not _numbers(ends):
            issues.add(f"{WHERE}.decay_epochs", "must be a list of at least one number", show(ends))
        elif not _numbers(values) or len(values or ()) <= len(ends or ()):
            issues.add(f"{WHERE}.values", "must be numbers, one more than decay_epochs",
                       f"decay_epochs {ends}, values {values}")
    elif name == "MultiStepDecay":
        ends = schedule.get("milestones")
        if not _numbers(ends) or sorted(set(ends or ())) != ends:
            issues.add(f"{WHERE}.milestones", "must be numbers, each larger than the one before",
                       show(ends))
    elif name == "Step" and not (is_number(schedule.get("step_size"))
                                 and schedule["step_size"] > 0):
        issues.add(f"{WHERE}.step_size", "must be a number of epochs above 0",
                   show(schedule.get("step_size")))
    gamma = schedule.get("gamma", 0.1)
    if name in ("Step", "MultiStepDecay") and not (is_number(gamma) and gamma < 1):
        issues.add(f"{WHERE}.gamma", "must be a number below 1", show(gamma))


def _check_warmup(schedule: dict[str, Any], rate: object, issues: ValidationIssues) -> None:
    epochs, start = schedule.get("warmup_epoch", 0), schedule.get("warmup_start_lr", 0.0)
    if not is_number(epochs) or epochs < 0:
        issues.add(f"{WHERE}.warmup_epoch", "must be a number of epochs, 0 or more", show(epochs))
    elif not whole(epochs, 0) and schedule.get("name") in WHOLE_WARMUP:
        issues.add(f"{WHERE}.warmup_epoch", f"must be a whole number of epochs: the rest of the "
                   f"schedule {schedule['name']} has to be whole", show(epochs),
                   "In a search_range: integer: True.")
    elif epochs and schedule.get("name") not in (None, "Constant") and is_number(rate) and (
            rate > 0) and not (is_number(start) and start < rate):
        issues.add(f"{WHERE}.warmup_start_lr", "must be below the learning rate, to which the "
                   "warmup rises", f"warmup_start_lr {start}, learning rate {rate}")


def check_warmup_length(config: Config, issues: ValidationIssues) -> None:
    """The warmup ends before the training does."""
    epochs = resolve.epochs(config)
    for schedule in schedules(config):
        warmup = schedule.get("warmup_epoch", 0)
        if epochs is not None and is_number(warmup) and warmup >= epochs:
            issues.add(f"{WHERE}.warmup_epoch", "must be fewer than all epochs: from there on "
                       "PaddleClas makes it the whole training", f"{warmup} of {epochs} epochs")
            return


def _numbers(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(is_number, value))


SCHEDULES = Rule((WHERE,), check_schedules)
WARMUPS = Rule((f"{WHERE}.warmup_epoch", "Global.epochs"), check_warmup_length,
               searched=(f"{WHERE}.warmup_epoch",))
