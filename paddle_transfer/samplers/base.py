"""Who proposes the next point: the protocol.

A sampler is a function of (space, finished, running, seed): it keeps no state of its own, so that resuming
a search and running trials beside each other need nothing special. Its conformance suite is
``tests.helpers.sampler_suite``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from paddle_transfer.space.space import Point, Space


@dataclass(frozen=True)
class Observation:
    """One evaluated point.

    ``value`` is to be maximised (0..1 for an accuracy) and is None where there is none. ``state`` is one of
    ``complete``, ``pruned``, ``diverged`` (the loss became NaN or infinite) and ``failed`` (crashed or timed
    out: it says nothing about the point). ``curve`` holds (epoch, value) in epoch order, epochs from 1.
    """

    number: int
    point: Point
    value: float | None
    state: str = "complete"
    curve: tuple[tuple[int, float], ...] = ()


class Sampler(Protocol):
    """Proposes points.

    Duties: the same arguments give the same answer in any process; a point of the space comes back, made of the
    space's own values; a point in ``running`` never comes back while another is left.
    """

    def suggest(self, space: Space, finished: Sequence[Observation], running: Sequence[Point], *,
                seed: int) -> Point | None:
        """The next point, or None when a finite space holds none that is neither finished nor running.

        :param finished: in trial-number order; several with the same point are repeats with other seeds
        :param running: points being trained now
        :param seed: the study's seed; what is random is drawn from it and from how many points there are
        """
        ...
