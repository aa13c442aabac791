"""Random search: points drawn independently and uniformly, with replacement."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import override

from paddle_transfer.config.validation import Options
from paddle_transfer.samplers.base import Observation, RegisteredSampler, SamplerContext
from paddle_transfer.samplers.common import (
    exhausted,
    finished_keys,
    first_baseline,
    generator,
    keys,
    untaken,
)
from paddle_transfer.space.space import Point, Space

#: A draw is repeated this often while it hits running points; then the first free point is taken.
_DRAWS = 1000


class RandomSampler(RegisteredSampler):
    """Independent uniform draws. A draw that hits an evaluated point stands (its result is reused,
    or it is trained with another seed); one that hits a running point is repeated, since two
    workers would do the same."""

    name = "random"
    uses_results = False

    def __init__(self, *, baseline: Point | None = None, allow_repeats: bool = False):
        self.baseline = baseline
        self.allow_repeats = allow_repeats

    @classmethod
    @override
    def build(cls, options: Options, context: SamplerContext) -> RandomSampler:
        """``options`` are none."""
        return cls(baseline=context.baseline, allow_repeats=context.allow_repeats)

    @override
    def suggest(self, space: Space, finished: Sequence[Observation], running: Sequence[Point], *,
                seed: int) -> Point | None:
        """As ``Sampler.suggest``; with ``allow_repeats`` there is always a point."""
        busy = keys(space, running)
        taken = finished_keys(space, finished) | busy
        if not self.allow_repeats and exhausted(space, taken):
            return None
        baseline = first_baseline(space, self.baseline, taken)
        if baseline is not None:
            return baseline
        rng = generator(seed, len(finished) + len(running), "random")
        for _ in range(_DRAWS):
            point = space.sample(rng)
            if space.key(point) not in busy:
                return point
        return (untaken(space, busy) if space.size is not None else None) or point
