"""Pruners end hopeless trials early: the protocol, and what a registered pruner says of itself.

A pruner is a function of (space, the trial, the finished trials): it keeps no state of its own, so
a search that was killed and resumed, or replayed from a table, gets the same answers. Its
conformance suite is ``tests.helpers.pruner_suite``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from paddle_transfer.config.validation import Options
from paddle_transfer.samplers.base import Observation
from paddle_transfer.space.space import Space


@dataclass(frozen=True, slots=True)
class Length:
    """A whole training.

    :param epochs: all of them
    :param warmup: epochs at its start in which the learning rate rises
    """

    epochs: int
    warmup: float = 0.0

    def is_warming_up(self, curve: Sequence[tuple[int, float]]) -> bool:
        """Whether the last epoch of ``curve`` is one of the warmup's."""
        return bool(curve) and curve[-1][0] <= self.warmup


class Pruner(Protocol):
    """Decides whether running trials end early.

    Duties: the same arguments give the same answer in any process; no trial is stopped while none
    is finished, nor before its first epoch or after its last; the arguments stay as they are.
    """

    def should_stop(self, space: Space, trial: Observation, finished: Sequence[Observation], *,
                    epochs: int, seed: int) -> bool:
        """Whether ``trial`` should end after the last epoch of its ``curve``.

        :param trial: running; its curve so far, (epoch, metric to be maximised), epochs from 1
        :param finished: in trial-number order, of any state; what cannot be used is left out
        :param epochs: of a whole training of ``trial``
        :param seed: the study's; random numbers depend on it and on the trial's number
        """
        ...


class RegisteredPruner(ABC):
    """What a search file can name. The class, in ``registry.PRUNERS``, is imported when a search
    file is read; heavy libraries are not. It is the ``Pruner`` itself, or knows how to make one.
    ``options`` is the model of its options."""

    name: ClassVar[str]
    options: ClassVar[type[Options]] = Options

    @classmethod
    @abstractmethod
    def build(cls, options: Options, *, epochs: int) -> Pruner | None:
        """The pruner; None: no trial is stopped.

        :param options: an instance of the class's ``options``
        :param epochs: of a whole training; where points differ in it, of the longest
        """
