"""Where to look before there are results: the fixed point, then points far from all that is taken.

No numpy and no skopt here, so that a preview of the first points answers at once.
"""

from __future__ import annotations

from typing import Optional

from paddle_transfer.space.space import Point, Space, finite
from paddle_transfer.suggest.common import generator

#: So many points are looked at in spaces that are too large or continuous.
_SAMPLES = 300


def start_point(space: Space, taken: list[Point], *, seed: int, count: int) -> Optional[Point]:
    """The point whose least distance to ``taken`` (distances of encodings) is the largest, and among equals the
    one nearest to the middle, so that it is not always a corner; the middle itself when nothing is taken.

    :param count: how many suggestions there were; with ``seed`` it decides the sample of a large space
    :returns: None when every point of a finite space is taken
    """
    if finite(space, _SAMPLES):
        candidates = list(space.points())
    else:
        rng = generator(seed, count, "start")
        candidates = [space.sample(rng) for _ in range(_SAMPLES)]
    seen = {space.key(point) for point in taken}
    candidates = [point for point in candidates if space.key(point) not in seen]
    if not candidates:
        if not finite(space):
            return None
        return next((point for point in space.points() if space.key(point) not in seen), None)
    codes = [space.encode(point) for point in taken if space.contains(point)]
    return max(candidates, key=lambda point: _rank(space.encode(point), codes))


def _rank(code: list[float], codes: list[list[float]]) -> tuple[float, float]:
    apart = min((sum((a - b) ** 2 for a, b in zip(code, other)) for other in codes), default=0.0)
    return round(apart, 9), -round(sum((x - 0.5) ** 2 for x in code), 9)
