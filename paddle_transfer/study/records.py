"""What is known of one trial, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional

#: A trial is ``running`` until it has one of the other states, and then for good.
STATES = ("running", "complete", "pruned", "diverged", "failed")


@dataclass(frozen=True)
class TrialRecord:
    """One training, or one reuse of an earlier one.

    :param number: from 0, the order in which trials were begun
    :param suggestion: from 0; the repeats of one suggestion share it
    :param point: the hyperparameters by name
    :param seed: the training's ``Global.seed``
    :param state: one of ``STATES``
    :param value: the best metric over its epochs, to be maximised; None where there is none
    :param curve: (epoch, metric) in epoch order, epochs from 1
    :param attempts: how often it was begun
    :param reused: the number of the earlier trial whose result stands for this one; it was not trained
    :param info: best_epoch, seconds, device, reason, log_tail, ...
    """

    number: int
    suggestion: int
    point: dict[str, Any]
    seed: int
    state: str = "running"
    value: Optional[float] = None
    curve: tuple[tuple[int, float], ...] = ()
    attempts: int = 0
    reused: Optional[int] = None
    info: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        assert self.state in STATES, self.state

    @property
    def finished(self) -> bool:
        return self.state != "running"
