"""One trial as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any

from paddle_transfer.space.space import Point, Space


class Word(str, Enum):
    """An enum whose members are the words that files and messages show."""

    def __str__(self) -> str:
        return str(self.value)


class TrialState(Word):
    """A trial is ``running`` until it has one of the other states, and then for good."""

    RUNNING = "running"
    COMPLETE = "complete"
    PRUNED = "pruned"
    DIVERGED = "diverged"
    FAILED = "failed"

    @property
    def has_value(self) -> bool:
        """Whether a trial that ended in this state has a metric."""
        return self in (TrialState.COMPLETE, TrialState.PRUNED)


_WORKED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.DIVERGED)


class Stage(Word):
    """The stage of a search that a trial belongs to: the others are those of a distillation."""

    SEARCH = "search"
    TEACHER = "teacher"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is trained: a point, in one stage of the search.

    :param teacher: the architecture that is trained (``Stage.TEACHER``) or that the student learns
        from (``Stage.FINAL``); None: none, or one that is trained together with the student
    """

    point: Point
    stage: Stage = Stage.SEARCH
    teacher: str | None = None

    def key(self, space: Space) -> str:
        """A text that two proposals share when they are the same training but for the seed."""
        key = space.key(self.point)
        return key if self.stage is Stage.SEARCH else f"{self.stage} {self.teacher} {key}"


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One training, or one reuse of an earlier one.

    :param number: from 0, the order in which trials were begun
    :param suggestion: from 0; the repeats of one suggestion share it
    :param seed: the training's ``Global.seed``
    :param value: the best metric over its epochs, to be maximised; None where there is none
    :param curve: (epoch, metric) in epoch order, epochs from 1
    :param attempts: how often it was begun
    :param reused: the number of the earlier trial whose result it has; it was not trained itself
    :param info: images, best_epoch, seconds, device, reason, log_tail, ...
    """

    number: int
    suggestion: int
    point: Point
    seed: int
    state: TrialState = TrialState.RUNNING
    value: float | None = None
    curve: tuple[tuple[int, float], ...] = ()
    attempts: int = 0
    reused: int | None = None
    info: dict[str, Any] = field(default_factory=dict)
    stage: Stage = Stage.SEARCH
    teacher: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", TrialState(self.state))

    @property
    def finished(self) -> bool:
        return self.state is not TrialState.RUNNING

    @property
    def complete(self) -> bool:
        return self.state is TrialState.COMPLETE

    @property
    def worked(self) -> bool:
        """Whether the training has come to a result, or to a loss that is no number."""
        return self.state in _WORKED

    @property
    def images(self) -> int | None:
        """How many images ``value`` was measured on: those of the whole list. None where that is
        not known: without a value, and in searches of earlier versions."""
        return self.info.get("images")

    @property
    def accumulate(self) -> int:
        """Into so many parts each of its batches was divided, after it ran out of memory, and as
        many gradients were added up for a step (``rules.accumulation``)."""
        return max((one.get("accumulate", 1) for one in self.info.get("tries", ())), default=1)

    @property
    def proposal(self) -> Proposal:
        return Proposal(self.point, self.stage, self.teacher)

    def key(self, space: Space) -> str:
        """As ``Proposal.key``."""
        return self.proposal.key(space)

    def to_plain(self) -> dict[str, Any]:
        """All of it as JSON data, which ``from_plain`` reads."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**plain, "state": self.state.value, "stage": self.stage.value,
                "curve": [list(pair) for pair in self.curve]}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> TrialRecord:
        """Raises KeyError, TypeError or ValueError when ``data`` are no record's."""
        return cls(**{**data, "curve": tuple((int(epoch), float(value))
                                             for epoch, value in data["curve"]),
                      "stage": Stage(data["stage"])})


def trained(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The finished records that were trainings of their own, in order."""
    return [record for record in records if record.finished and record.reused is None]
