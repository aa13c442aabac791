"""What samplers share: points in the space's own values, keys of points, seeded generators."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.samplers.base import Observation
from paddle_transfer.space.hyperparameter import Choice, Value
from paddle_transfer.space.space import Point, Space


def own_point(space: Space, point: Point) -> Point:
    """``point`` made of the space's own Python values (0.1 for numpy's float64(0.1)), in the
    space's order, inactive hyperparameters at rest. Raises ValueError when it is not in the
    space."""
    plain = {name: _plain(value) for name, value in point.items()}
    if not space.contains(plain):
        raise ValueError(f"the point {plain!r} is not in the space of {list(space.names)}")
    return space.canonical({
        h.name: h.at(h.index(plain[h.name])) if isinstance(h, Choice) or h.integer
        else float(plain[h.name]) for h in space.hyperparameters})


def _plain(value: Value) -> Value:
    """The Python value of a numpy scalar; other values as they are."""
    return value.item() if hasattr(value, "item") and hasattr(value, "dtype") else value


def keys(space: Space, points: Iterable[Point]) -> set[str]:
    """The keys of those points that lie in the space."""
    return {space.key(point) for point in points if space.contains(point)}


def finished_keys(space: Space, finished: Sequence[Observation]) -> set[str]:
    """The keys of the evaluated points that lie in the space."""
    return keys(space, (observation.point for observation in finished))


def valid_observations(space: Space, finished: Sequence[Observation]) -> list[Observation]:
    """The observations that say something about their point: a finite value, or a divergence."""
    return [o for o in finished if space.contains(o.point) and o.state != "failed" and (
        o.state == "diverged" or (o.value is not None and math.isfinite(o.value)))]


def refuse_continuous(space: Space, what: str) -> None:
    """Raises PaddleTransferError when the space has continuous ranges; ``what`` needs it finite."""
    if space.size is None:
        endless = [h.name for h in space.hyperparameters if h.size is None]
        raise PaddleTransferError(
            f"search_mode: {what} needs finite choices, but {', '.join(endless)} "
            f"is a continuous range. List search_values, or use bayes or random.")


def exhausted(space: Space, taken: set[str]) -> bool:
    """Whether no point of a finite space is left beside ``taken``."""
    return space.size is not None and len(taken) >= space.size


def generator(seed: int, count: int, purpose: str) -> random.Random:
    """A generator for one (study seed, number of suggestions so far, purpose): the same in every
    process, whatever PYTHONHASHSEED is."""
    return random.Random(f"{int(seed)}/{int(count)}/{purpose}")


def first_baseline(space: Space, baseline: Point | None, taken: set[str]) -> Point | None:
    """The baseline while it has not been tried, else None."""
    if baseline is None:
        return None
    point = own_point(space, baseline)
    return None if space.key(point) in taken else point


def untaken(space: Space, taken: set[str]) -> Point | None:
    """The first point of a finite space, in its order, that is not in ``taken``; None when there is
    none."""
    return next((point for point in space.points() if space.key(point) not in taken), None)
