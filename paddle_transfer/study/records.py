"""What is known of one trial, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from paddle_transfer.samplers.base import Observation
from paddle_transfer.space.space import Point

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
    value: float | None = None
    curve: tuple[tuple[int, float], ...] = ()
    attempts: int = 0
    reused: int | None = None
    info: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        assert self.state in STATES, self.state

    @property
    def finished(self) -> bool:
        return self.state != "running"


def observations(records: Sequence[TrialRecord]) -> tuple[list[Observation], list[Point]]:
    """(what a sampler may learn from, by trial number; the points being trained)."""
    trainings = [record for record in records if record.reused is None]
    finished = [
        Observation(number=record.number, point=record.point, value=record.value,
                    state=record.state, curve=record.curve)
        for record in trainings
        if record.finished
    ]
    return finished, [record.point for record in trainings if not record.finished]
