"""What samplers share: the duties of every sampler, keys of points, seeded generators."""

from __future__ import annotations

import math
import random
from abc import abstractmethod
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from typing_extensions import Self, override

from paddle_transfer.config.validation import Options
from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.samplers.base import Observation, RegisteredSampler, SamplerContext
from paddle_transfer.samplers.known import FinishedTrials, RunningPoints, Union
from paddle_transfer.space.hyperparameter import Choice, Value
from paddle_transfer.space.space import Point, Space


@dataclass(frozen=True)
class Trials:
    """The trials of a search so far; the arguments of ``Sampler.suggest``."""

    space: Space
    finished: Sequence[Observation]
    running: Sequence[Point]
    seed: int
    allow_repeats: bool

    @property
    def count(self) -> int:
        """The number of suggestions so far."""
        return len(self.finished) + len(self.running)

    @cached_property
    def busy(self) -> Set[str]:
        """The keys of running points."""
        return keys(self.space, self.running)

    @cached_property
    def taken(self) -> Set[str]:
        """The keys of evaluated and running points."""
        return Union(finished_keys(self.space, self.finished), self.busy)

    @property
    def excluded(self) -> Set[str]:
        """The keys of the points that must not be proposed while others are left."""
        return self.busy if self.allow_repeats else self.taken

    def rng(self, purpose: str) -> random.Random:
        """As ``generator`` for this suggestion."""
        return generator(self.seed, self.count, purpose)

    def untaken(self) -> Point | None:
        """The first point of a finite space that is not excluded."""
        if (isinstance(self.finished, FinishedTrials) and self.finished.space is self.space
                and self.space.size is not None and not self.allow_repeats):
            return self.finished.first_untaken(self.busy)
        return untaken(self.space, self.excluded) if self.space.size is not None else None


class SamplerBase(RegisteredSampler):
    """A sampler that ends with a finite space and begins with the baseline; ``propose`` does the
    rest."""

    def __init__(self, context: SamplerContext | None = None):
        self.context = context or SamplerContext()

    @classmethod
    @override
    def build(cls, options: Options, context: SamplerContext) -> Self:
        return cls(context)

    @override
    def suggest(self, space: Space, finished: Sequence[Observation], running: Sequence[Point], *,
                seed: int) -> Point | None:
        if self.needs_finite_space and space.size is None:
            endless = [h.name for h in space.hyperparameters if h.size is None]
            raise PaddleTransferError(
                f"search_mode: {'a grid' if self.name == 'grid' else self.name} needs finite "
                f"choices, but {', '.join(endless)} is a continuous range. List search_values, or "
                "use bayes or random.")
        repeats = self.supports_repeats and self.context.allow_repeats
        trials = Trials(space, finished, running, seed, repeats)
        if not repeats and exhausted(space, trials.taken):
            return None
        if self.context.baseline is not None:
            baseline = own_point(space, self.context.baseline)
            if space.key(baseline) not in trials.taken:
                return baseline
        return self.propose(trials)

    @abstractmethod
    def propose(self, trials: Trials) -> Point | None:
        """The next point; without ``trials.allow_repeats`` one is left."""


def own_point(space: Space, point: Point) -> Point:
    """``point`` made of the space's own Python values (0.1 for numpy's float64(0.1)), in its order,
    inactive ones at rest. Raises ValueError when it is not in the space."""
    plain = {name: _plain(value) for name, value in point.items()}
    if not space.contains(plain):
        raise ValueError(f"the point {plain!r} is not in the space of {list(space.names)}")
    return space.canonical({
        h.name: h.at(h.index(plain[h.name])) if isinstance(h, Choice) or h.integer
        else float(plain[h.name]) for h in space.hyperparameters})


def _plain(value: Value) -> Value:
    """The Python value of a numpy scalar; other values as they are."""
    return value.item() if hasattr(value, "item") and hasattr(value, "dtype") else value


def keys(space: Space, points: Iterable[Point]) -> Set[str]:
    """The keys of those points that lie in the space."""
    if isinstance(points, RunningPoints) and points.space is space:
        return points.keys
    return {space.key(point) for point in points if space.contains(point)}


def finished_keys(space: Space, finished: Sequence[Observation]) -> Set[str]:
    """The keys of the evaluated points that lie in the space."""
    if isinstance(finished, FinishedTrials) and finished.space is space:
        return finished.keys
    return keys(space, (observation.point for observation in finished))


def valid_observations(space: Space, finished: Sequence[Observation]) -> list[Observation]:
    """The observations that say something about their point: a finite value, or a divergence."""
    return [o for o in finished if space.contains(o.point) and o.state != "failed" and (
        o.state == "diverged" or (o.value is not None and math.isfinite(o.value)))]


def exhausted(space: Space, taken: Set[str]) -> bool:
    """Whether no point of a finite space is left beside ``taken``."""
    return space.size is not None and len(taken) >= space.size


def generator(seed: int, count: int, purpose: str) -> random.Random:
    """A generator for one (study seed, number of suggestions so far, purpose): the same in every
    process, whatever PYTHONHASHSEED is."""
    return random.Random(f"{int(seed)}/{int(count)}/{purpose}")


def untaken(space: Space, taken: Set[str]) -> Point | None:
    """The first point of a finite space, in its order, that is not in ``taken``, or None."""
    return next((point for point in space.points() if space.key(point) not in taken), None)
