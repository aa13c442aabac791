"""The registry of pruners, the one way to build one by its name, and what the driver asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from typing_extensions import override

from paddle_transfer.config.validation import Options
from paddle_transfer.errors import PaddleTransferError, ValidationIssue, did_you_mean, show
from paddle_transfer.pruners.base import Length, Pruner, RegisteredPruner
from paddle_transfer.pruners.options import OPTIONS
from paddle_transfer.registry import Component, Registry
from paddle_transfer.samplers.base import Observation
from paddle_transfer.samplers.registry import checked_options
from paddle_transfer.space.space import Point, Space
from paddle_transfer.study.history import History, observations
from paddle_transfer.study.records import TrialRecord


class NoPruner(RegisteredPruner):
    """``pruner: none``."""

    name = "none"

    @classmethod
    @override
    def build(cls, options: Options, *, epochs: int) -> None:
        """No trial is stopped."""


class NamedPruner(RegisteredPruner):
    """One of Optuna's pruners, by its name there."""

    @classmethod
    @override
    def build(cls, options: Options, *, epochs: int) -> Pruner:
        from paddle_transfer.pruners.optuna import OptunaPruner  # late: Optuna
        return OptunaPruner(Component(cls.name, options.model_dump(exclude_unset=True)),
                            epochs=epochs)


#: Pruners by the name that ``pruner`` of a search file gives.
PRUNERS: Registry[type[RegisteredPruner]] = Registry(
    "pruner", group="paddle_transfer.pruners", attribute="options",
    builtin={"auto": "paddle_transfer.pruners.curve:CurvesPruner", "none": f"{__name__}:NoPruner"})
for _name, _options in OPTIONS.items():
    if _name.endswith("Pruner"):
        PRUNERS.register(_name, type(_name, (NamedPruner,), {"name": _name, "options": _options}))


def make_pruner(component: Component | None, *, epochs: int) -> Pruner | None:
    """The pruner that ``component`` names; None without one.

    :param epochs: of a whole training; where points differ in it, of the longest
    :raises PaddleTransferError: with every mistake in ``component``
    """
    if component is None:
        return None
    if component.name not in PRUNERS:
        raise PaddleTransferError(str(ValidationIssue(
            "pruner.name", "must be a pruner", show(component.name),
            did_you_mean(component.name, PRUNERS.names()))))
    pruner = PRUNERS[component.name]
    return pruner.build(checked_options(pruner.options, component, "pruner"), epochs=epochs)


class TrialPruner:
    """What the driver asks about a running trial.

    A repeat of a point that has a complete training is never stopped: its mean is what counts. Nor
    is a trial while its learning rate still rises: what is slow then may be best in the end.

    :param length: of a whole training of a point
    """

    def __init__(self, pruner: Pruner, *, space: Space, length: Callable[[Point], Length],
                 seed: int):
        self._pruner, self._space, self._length, self._seed = pruner, space, length, seed

    def should_stop(self, record: TrialRecord, records: Sequence[TrialRecord]) -> bool:
        """Whether the trial of ``record`` should end after its last epoch."""
        length = self._length(record.point)
        if length.is_warming_up(record.curve):
            return False
        history = History.of(self._space, records)
        if any(other.complete and other.number != record.number
               for other in history.trainings(record.key(self._space))):
            return False
        trial = Observation(record.number, record.point, None, "running", record.curve)
        return self._pruner.should_stop(self._space, trial, observations(history)[0],
                                        epochs=length.epochs, seed=self._seed)
