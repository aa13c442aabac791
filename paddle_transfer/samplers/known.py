"""The trials of a search as its driver hands them to a sampler: lists that know the keys of their
points, so that a suggestion does not cost more the longer the search is."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Set

from paddle_transfer.samplers.base import Observation
from paddle_transfer.space.space import Point, Space


class FinishedTrials(list[Observation]):
    """Observations by trial number.

    :param space: of all their points
    """

    def __init__(self, space: Space):
        super().__init__()
        self.space = space
        #: The keys of their points.
        self.keys: set[str] = set()
        self._first = 0

    def add(self, observation: Observation, key: str) -> None:
        """Add a trial, or replace the one with its number.

        :param key: of its point
        """
        last = self[-1].number if self else -1
        place = len(self) if last < observation.number else bisect_left(
            self, observation.number, key=lambda one: one.number)
        same = place < len(self) and self[place].number == observation.number
        self[place:place + same] = [observation]
        self.keys.add(key)

    def first_untaken(self, busy: Set[str]) -> Point | None:
        """The first point of the finite space that is neither here nor in ``busy``. What lies
        before it is not looked at again: points stay."""
        space = self.space
        assert space.size is not None, "a continuous space has no first point"
        while self._first < space.size and space.key(space.point(self._first)) in self.keys:
            self._first += 1
        points = map(space.point, range(self._first, space.size))
        return next((point for point in points if (key := space.key(point)) not in busy
                     and key not in self.keys), None)


class RunningPoints(list[Point]):
    """Points in training.

    :param points: by key
    """

    def __init__(self, space: Space, points: Iterable[tuple[str, Point]]):
        known = list(points)
        super().__init__(point for _, point in known)
        self.space, self.keys = space, {key for key, _ in known}


class Union(Set[str]):
    """The union of two sets, without a copy of the large one."""

    def __init__(self, large: Set[str], small: Set[str]):
        self._large, self._small = large, small

    def __contains__(self, key: object) -> bool:
        return key in self._small or key in self._large

    def __iter__(self) -> Iterator[str]:
        yield from self._large
        yield from (key for key in self._small if key not in self._large)

    def __len__(self) -> int:
        return len(self._large) + sum(key not in self._large for key in self._small)
