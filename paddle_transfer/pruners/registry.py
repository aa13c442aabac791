"""The search's pruner: from what a search file says to what the driver asks after every epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.pruners.base import Pruner
from paddle_transfer.pruners.options import pruner_issues
from paddle_transfer.samplers.base import Observation
from paddle_transfer.space.space import Point, Space
from paddle_transfer.study.records import TrialRecord, observations


def make_pruner(spec: Mapping[str, Any] | None, *, epochs: int) -> Pruner | None:
    """The pruner that ``spec`` names: ``auto`` is our own, None or ``none`` is none, others are Optuna's.

    :param epochs: of a whole training; where points differ in it, of the longest
    :raises PaddleTransferError: with every mistake in ``spec``
    """
    issues = pruner_issues(spec)
    if issues:
        raise PaddleTransferError("\n".join(map(str, issues)))
    name = "none" if spec is None else spec["name"]
    if name == "none":
        return None
    if name == "auto":
        from paddle_transfer.pruners.curve import CurvesPruner
        return CurvesPruner()
    from paddle_transfer.pruners.optuna import OptunaPruner
    return OptunaPruner(spec, epochs=epochs)


class TrialPruner:
    """A ``driver.Pruner`` around a ``prune.base.Pruner``.

    A repeat of a point of which an earlier training came to its end is never stopped: its mean is what counts.

    :param epochs: how many a whole training of a point has
    """

    def __init__(self, pruner: Pruner, *, space: Space, epochs: Callable[[Point], int], seed: int):
        self._pruner, self._space, self._epochs, self._seed = pruner, space, epochs, seed

    def should_stop(self, record: TrialRecord, records: Sequence[TrialRecord]) -> bool:
        key = self._space.key(record.point)
        if any(other.state == "complete" and other.reused is None
               and self._space.key(other.point) == key
               for other in records
               if other.number != record.number):
            return False
        trial = Observation(record.number, record.point, None, "running", record.curve)
        return self._pruner.should_stop(self._space, trial, observations(records)[0],
                                        epochs=self._epochs(record.point), seed=self._seed)
