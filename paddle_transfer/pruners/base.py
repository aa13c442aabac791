"""Whether a running trial is hopeless: the protocol.

A pruner is a function of (space, the trial, what is finished): it keeps no state of its own, so a search that was
killed and resumed, or replayed from a table, hears the same answers. Its conformance suite is
``tests.helpers.pruner_suite``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from paddle_transfer.samplers.base import Observation
from paddle_transfer.space.space import Space


class Pruner(Protocol):
    """Judges running trials.

    Duties: the same arguments give the same answer in any process; nothing is stopped while nothing is finished, nor
    after its last epoch, nor before its first; the arguments are left as they are.
    """

    def should_stop(self, space: Space, trial: Observation, finished: Sequence[Observation], *,
                    epochs: int, seed: int) -> bool:
        """Whether ``trial`` should end after the last epoch of its ``curve``.

        :param trial: running; its curve so far, (epoch, metric to be maximised), epochs from 1; ``value`` is not read
        :param finished: in trial-number order, of any state; what cannot be used is left out
        :param epochs: how many epochs a whole training of ``trial`` has
        :param seed: the study's; what a pruner draws at random comes from it and from the trial's number
        """
        ...
